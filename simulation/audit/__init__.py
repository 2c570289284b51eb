"""The auditor: judges what clients saw against what the database holds. It shares no code with what it judges.

Nothing in this package imports from `lingdang` (a test holds this); it reads tables with SQL of its own.
"""

from simulation.audit.answers import audit_answers
from simulation.audit.evidence import Evidence, read_evidence
from simulation.audit.findings import Findings, Violation
from simulation.audit.listed import audit_listed
from simulation.audit.money import audit_money
from simulation.audit.orders import audit_orders
from simulation.audit.pricing import audit_pricing
from simulation.audit.refusals import audit_refusals
from simulation.audit.vouchers import audit_vouchers
from simulation.history import History
from simulation.plan import Plan

__all__ = ["Evidence", "Violation", "audit", "read_evidence"]


def audit(plan: Plan, history: History, evidence: Evidence) -> list[Violation]:
    """Everything that is wrong; an empty list when all is well."""
    findings = Findings()
    audit_money(evidence, findings)
    audit_listed(evidence, findings)
    audit_orders(history, evidence, findings)
    audit_vouchers(plan, evidence, findings)
    audit_pricing(plan, history, findings)
    audit_answers(history, evidence, findings)
    audit_refusals(plan, history, evidence, findings)
    return findings.violations
