"""Event rules at work: records, due times and custom events become deliveries to targets."""

from opentrail.workers.rules.following import FOLLOWER, RulesWorker
from opentrail.workers.rules.publishing import Publisher
from opentrail.workers.rules.schedules import ScheduleWorker

__all__ = ["FOLLOWER", "Publisher", "RulesWorker", "ScheduleWorker"]
