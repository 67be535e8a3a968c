"""The mind and the manners of Roost: goals, logic, planning, missions, memory, gateways, interfaces.

Pure rooms (`logic`, `planning`, `brain`'s compiler, `missions.mission`, `memory.fact`, `robots.command_gate`) take events and
the time and return decisions. Only `app`, `gateway_main` and the mains of child processes compose.
"""
