"""The corridor: durable workflows, schedule, wiring. The only room that knows the order of the rooms."""
