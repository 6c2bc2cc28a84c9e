"""For whoever gives the lesson: ready plans, and the instructor's guide that is written from the course."""

from wslab.teaching.guide import Guide, read_guide, write_guide
from wslab.teaching.plans import NoPlanError, Plan, Session, plan_named, read_plans

__all__ = ["Guide", "NoPlanError", "Plan", "Session", "plan_named", "read_guide", "read_plans", "write_guide"]
