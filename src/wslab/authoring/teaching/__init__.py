"""For whoever gives the lesson: ready plans, and the instructor's guide that is written from the course."""

from wslab.authoring.teaching.guide import Guide, read_guide, write_guide
from wslab.authoring.teaching.plans import NoPlanError, Plan, Session, plan_named, read_plans
from wslab.authoring.teaching.run_sheet import StartError, part_of, run_sheet
from wslab.authoring.teaching.schedule import schedule, units_table

__all__ = [
    "Guide",
    "NoPlanError",
    "Plan",
    "Session",
    "StartError",
    "part_of",
    "plan_named",
    "read_guide",
    "read_plans",
    "run_sheet",
    "schedule",
    "units_table",
    "write_guide",
]
