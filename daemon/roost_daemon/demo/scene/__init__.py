"""What the demo's cameras see: one MuJoCo scene made from the site's map.

`parts` holds the words (boxes, round things, boards), `layout` derives floors, walls and rails from the map, `props` adds
what the story needs (signs, a `figure` in a safety vest, containers, gate posts), `signs` draws the boards, `mjcf` writes it
all down for MuJoCo and `renderer` makes pictures of it. Nothing is simulated: bodies and the camera are placed, never
stepped, so a picture costs a few milliseconds of one core. Only `renderer` imports MuJoCo.
"""
