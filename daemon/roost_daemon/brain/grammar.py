"""The grammar provider: plain imperative English, read word by word; no model, no guesses, the same answer every time.

    goal     part (joint part)*            joint: , ; . and but · then, after that … · meanwhile, while, at the same time …
    part     [robot] (task | rule | more)  robot: "drone1," "let drone1" "drone1 should" "it"
    task     go to PLACE | inspect PLACE | bring OBJECT to PLACE | SKILL ARGUMENT…      (and their like, see `vocabulary`)
    more     [to] PLACE                    the last verb again: "inspect the depot and then the dock"
    rule     never enter PLACE | avoid PLACE | keep out of PLACE | without entering PLACE

How parts are put in order is `arrange`'s business. A part without a robot is about the robot of the part before; after
"meanwhile" it is about whoever can. A rule binds its part's robots; one that stands alone after ";" or "." binds all.
"""

from __future__ import annotations

from collections.abc import Mapping

from roost_daemon.brain import vocabulary as words
from roost_daemon.brain.arrange import Arrangement, Joint, Task
from roost_daemon.brain.nouns import Nouns
from roost_daemon.brain.providers import GroundingContext, NotUnderstoodError
from roost_daemon.brain.sentence import plain
from roost_daemon.brain.tree import KeepOut, TaskTree

_TASK = "a task such as 'inspect the depot'"
_RULE = "a rule such as 'never enter the yard'"
_PLACE = "a place"
_OBJECT = "an object"


class GrammarProvider:
    """Understands the goals that its grammar describes, and says of all others where it stopped."""

    name = "grammar"

    async def propose(self, text: str, context: GroundingContext) -> TaskTree:
        """The tree that the text asks for.

        Raises `NotUnderstoodError`.
        """
        return parse_goal(text, context)


def parse_goal(text: str, context: GroundingContext) -> TaskTree:
    """The tree that the text asks for, with names as known to the site where they are.

    Raises `NotUnderstoodError`.
    """
    return _Goal(text, context).read()


class _Goal:
    """Recursive descent over one goal. What is remembered along the text: the robots spoken of, the last verb and names."""

    def __init__(self, text: str, context: GroundingContext) -> None:
        self._text = text
        self._skills = {plain(name): contract for name, contract in context.skills.items()}
        self._nouns = Nouns(text, context.site)
        self._sentence = self._nouns.sentence
        self._arrangement = Arrangement()
        self._rules: dict[KeepOut, None] = {}
        self._subject: tuple[str, ...] = ("",)
        self._verb: words.Verb | None = None
        # Objects picked up that no "bring it to" has followed yet, and how that task will be joined.
        self._carried: tuple[str, ...] = ()
        self._held_joint: Joint | None = None

    def read(self) -> TaskTree:
        sentence = self._sentence
        if sentence.at_end:
            raise NotUnderstoodError("the goal is empty")
        opened_by_while = sentence.accept_phrase(words.BESIDE)
        joint, alone = Joint.FIRST, True
        while not sentence.at_end:
            self._part(joint, alone)
            joint, alone, comma = self._joint()
            if opened_by_while and comma and joint is Joint.AND:
                joint, opened_by_while = Joint.BESIDE, False
            if sentence.at_end and joint is Joint.BESIDE:
                self._arrangement.last_two_beside()
        if sentence.last in words.AND or joint is Joint.THEN:
            raise sentence.unexpected(_TASK)
        if self._carried:
            raise NotUnderstoodError(f"the goal does not say where to bring '{self._carried[0]}'")
        if self._arrangement.is_empty:
            raise NotUnderstoodError("the goal has rules but asks for nothing to be done")
        root, notes = self._arrangement.tree()
        return TaskTree(self._text, root, tuple(self._rules), notes)

    def _joint(self) -> tuple[Joint, bool, bool]:
        """What joins the next part to this one; whether a full stop or semicolon lies between; whether a comma does."""
        sentence = self._sentence
        joint, alone, comma, any_read = Joint.AND, False, False, False
        while not sentence.at_end:
            if sentence.accept(words.STOPS):
                alone = True
            elif sentence.accept((",",)):
                comma = True
            elif sentence.accept_phrase(words.BESIDE):
                joint = Joint.BESIDE
            elif sentence.accept_phrase(words.THEN):
                joint = Joint.THEN if joint is Joint.AND else joint
            elif not (sentence.accept(words.AND) or sentence.accept(words.FILLERS) or sentence.accept_phrase(words.ALWAYS)):
                break
            any_read = True
        if not any_read and not sentence.at_end and not self._rule_comes():
            raise sentence.unexpected("'and', 'then', 'meanwhile' or the end")
        return joint, alone, comma

    def _part(self, joint: Joint, alone: bool) -> None:
        sentence = self._sentence
        sentence.skip(words.FILLERS)
        sentence.accept_phrase(words.OPENINGS)
        sentence.skip(words.FILLERS)
        lead = sentence.accept(words.LEADS)
        if sentence.accept_phrase(words.NOBODY):
            self._keep_out(("",), forbidden=True)
            return
        named = self._named_subject(lead)
        sentence.skip(words.FILLERS | words.MODALS)
        sentence.accept_phrase(words.ALWAYS)
        if named:
            self._subject = named
        if self._rule_comes():
            self._keep_out(("",) if alone and not named else self._subject)
            return
        if joint is Joint.BESIDE and not named:
            self._subject = ("",)
        if lead == "send" and sentence.peek() == "to" and not self._verb_at(1):
            self._verb = words.Verb("navigate", "way")
        else:
            self._verb = self._read_verb() or self._same_verb_again(named)
        self._tasks(joint, self._verb)

    # ---- who

    def _named_subject(self, lead: str) -> tuple[str, ...]:
        """The robots that the part begins with, if it does; also unknown ones, so that grounding can say so."""
        sentence = self._sentence
        start = sentence.index
        robots: list[str] = []
        while name := self._robot_name():
            robots.append(name)
            if not sentence.accept(("and",)):
                break
        while robots and sentence.accept((",", ":", *words.MODALS, *words.FILLERS)):
            pass
        if robots and (self._verb_at(0) or self._rule_comes()):
            return tuple(robots)
        if robots and sentence.peek() == "to" and (lead == "send" or self._verb_at(1)):
            sentence.index += 1 if self._verb_at(1) else 0
            return tuple(robots)
        known = [name for name in robots if self._nouns.is_known("robot", name)]
        if known and sentence.at_end:
            raise NotUnderstoodError(f"the goal names '{known[-1]}' but not what it is to do; expected {_TASK}")
        if known:
            raise sentence.unexpected(_TASK)
        sentence.index = start
        return ()

    def _robot_name(self) -> str:
        if len(self._subject) == 1 and self._subject[0] and self._sentence.accept(("it",)):
            return self._subject[0]
        return self._nouns.possible_robot()

    # ---- what

    def _verb_at(self, ahead: int) -> bool:
        token = self._sentence.peek(ahead)
        known = (words.WAY_VERBS, words.PLACE_VERBS, words.OBJECT_VERBS)
        return any(token in verbs for verbs in known) or self._skill_named(token) != ""

    def _skill_named(self, token: str) -> str:
        """The skill that is called so, as it is or after a robot ("waves")."""
        return next(
            (contract.name for name, contract in self._skills.items() if token in (name, words.third_person(name))), ""
        )

    def _read_verb(self) -> words.Verb | None:
        sentence = self._sentence
        token = sentence.peek()
        after = sentence.peek(2 if sentence.peek(1) in words.FILLERS else 1)
        verb = None
        if token in words.WAY_VERBS and (token not in words.OBJECT_VERBS or after == "to"):
            verb = words.Verb("navigate", "way")
        elif token in words.OBJECT_VERBS:
            verb = words.Verb("carry", "object")
        elif token in words.PLACE_VERBS:
            verb = words.Verb(words.PLACE_VERBS[token], "place")
        elif skill := self._skill_named(token):
            verb = words.Verb(skill, "skill")
        if verb is not None:
            sentence.index += 1
            sentence.accept(("up", "at", "on", "out"))
        return verb

    def _same_verb_again(self, named: tuple[str, ...]) -> words.Verb:
        """The last verb, where the part is only another name for it."""
        sentence = self._sentence
        comes_name = sentence.peek() in words.PREPOSITIONS or self._nouns.comes("place", "object")
        if self._verb is None or self._verb.shape == "skill" or named or not comes_name:
            raise sentence.unexpected(_TASK)
        return words.Verb(self._verb.skill, "again" if self._verb.shape == "object" else "place")

    def _tasks(self, joint: Joint, verb: words.Verb) -> None:
        """Read what follows the verb, and add the tasks, one a robot and object."""
        if verb.shape == "skill":
            arguments = [self._arguments_in_order(verb.skill)]
        elif verb.shape in ("object", "again"):
            arguments = self._burdens(again=verb.shape == "again")
            self._verb = words.Verb(verb.skill, "object")
        else:
            if verb.shape == "way":
                self._sentence.skip(words.FILLERS)
                if self._sentence.peek() not in ("to", "into", "home", "there"):
                    raise self._sentence.unexpected("'to' and a place")
            arguments = [{"place": self._place()}]
        if joint is Joint.AND and self._held_joint is not None:
            joint = self._held_joint
        self._held_joint = None if arguments else joint
        for values in arguments:
            self._arrangement.add(joint, [Task(robot, verb.skill, values) for robot in self._subject])
            joint = Joint.THEN

    def _burdens(self, *, again: bool) -> list[Mapping[str, str]]:
        """OBJECT (and OBJECT)* [from PLACE] [to PLACE]; empty where the objects are only picked up."""
        sentence = self._sentence
        objects = [self._nouns.last("object") if again else self._nouns.read("object", _OBJECT)]
        while not again and sentence.peek() == "and" and self._nouns.comes("object", ahead=1):
            sentence.index += 1
            objects.append(self._nouns.read("object", _OBJECT))
        sentence.accept(("up",))
        if sentence.accept(("from",)):
            source = self._nouns.read("source", _PLACE)
            self._arrangement.note(f"'from the {source}' is not checked: an object is fetched from where it is")
        if not again and sentence.peek() not in words.PREPOSITIONS | {"there", "home"} - {"from"}:
            self._carried = tuple(objects)
            return []
        place = self._place()
        self._carried = ()
        return [{"object": name, "place": place} for name in objects]

    def _arguments_in_order(self, skill: str) -> Mapping[str, str]:
        values = {}
        for parameter in self._skills[plain(skill)].parameters:
            self._sentence.skip(words.PREPOSITIONS)
            values[parameter.name] = self._nouns.read(parameter.kind, f"its {parameter.name}")
        return values

    def _place(self) -> str:
        self._sentence.skip(words.FILLERS | words.PREPOSITIONS)
        return self._nouns.read("place", _PLACE)

    # ---- rules

    def _rule_comes(self) -> bool:
        token, after = self._sentence.peek(), self._sentence.peek(1)
        starts = token in words.FORBIDDING or token in words.AVOID
        return starts or (token in words.AUXILIARIES and after in words.NEGATIONS) or token in words.KEEP_VERBS

    def _keep_out(self, robots: tuple[str, ...], *, forbidden: bool = False) -> None:
        """Read a rule and keep it for these robots. forbidden: whether "nobody" came before."""
        sentence = self._sentence
        while sentence.peek() in words.RULE_OPENINGS:
            # "never avoid", "not without entering": two negations are no ban.
            if forbidden and sentence.peek() in words.FORBIDDING:
                raise sentence.unexpected(_RULE)
            forbidden = forbidden or sentence.peek() in words.FORBIDDING
            sentence.index += 1
        verb = sentence.peek()
        base = words.GERUNDS.get(verb, verb)
        if forbidden and (verb in words.AVOID or verb in words.KEEP_VERBS):
            raise sentence.unexpected(_RULE)
        if sentence.accept(words.AVOID):
            sentence.accept(words.GERUNDS)
            sentence.skip(words.INTO)
        elif sentence.accept(words.KEEP_VERBS):
            if not sentence.accept_phrase(words.KEEP_FROM):
                raise sentence.unexpected("'out of' and a place")
        elif base in words.ENTER_VERBS:
            sentence.index += 1
        elif (base in words.WAY_VERBS or base in ("pass", "passes", "passing")) and sentence.peek(1) in words.INTO:
            sentence.index += 2
        elif not sentence.accept(words.INTO):
            raise sentence.unexpected(_RULE)
        while True:
            place = self._nouns.read("place", _PLACE)
            for robot in robots:
                self._rules[KeepOut(robot, place)] = None
            ahead = 1 if sentence.peek() in ("and", "or", "nor", ",") else 0
            ahead += 1 if ahead and sentence.peek(1) in ("and", "or", "nor") else 0
            if not ahead or not self._nouns.comes("place", ahead=ahead):
                return
            sentence.index += ahead
