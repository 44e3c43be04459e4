"""A made-up data centre and a recorded day of its monitors, with the truth of every fault written beside it."""

from agents.simulate.day import Day, simulate, write_day

__all__ = ["Day", "simulate", "write_day"]
