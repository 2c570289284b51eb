"""The auditor: judges what clients saw against what the database holds. It shares no code with what it judges.

Nothing in this package imports from `lingdang` (a test holds this); it reads tables with SQL of its own.
"""

from proof.simulation.audit.answers import audit_answers
from proof.simulation.audit.chronicle import Chronicle
from proof.simulation.audit.corrections import audit_corrections
from proof.simulation.audit.evidence import Evidence, read_evidence
from proof.simulation.audit.findings import Findings, Violation
from proof.simulation.audit.listed import audit_listed
from proof.simulation.audit.money import audit_money
from proof.simulation.audit.orders import audit_orders
from proof.simulation.audit.pricing import audit_pricing
from proof.simulation.audit.refusals import audit_refusals
from proof.simulation.audit.returns import audit_returns
from proof.simulation.audit.sales import audit_sales
from proof.simulation.audit.shown import audit_shown
from proof.simulation.audit.told_topups import audit_topups
from proof.simulation.audit.vouchers import audit_vouchers
from proof.simulation.history import History
from proof.simulation.plan import Plan

__all__ = ["Evidence", "Violation", "audit", "read_evidence"]


def audit(plan: Plan, history: History, evidence: Evidence) -> list[Violation]:
    """Everything that is wrong; an empty list when all is well."""
    findings = Findings()
    chronicle = Chronicle(history, evidence)
    audit_money(plan.policy, evidence, findings)
    audit_listed(evidence, findings)
    audit_orders(history, evidence, chronicle, findings)
    audit_vouchers(plan, evidence, chronicle, findings)
    audit_pricing(plan, history, chronicle, findings)
    audit_answers(history, evidence, findings)
    audit_refusals(plan, history, evidence, chronicle, findings)
    audit_returns(plan, history, evidence, chronicle, findings)
    audit_corrections(history, evidence, chronicle, findings)
    audit_topups(history, evidence, chronicle, findings)
    audit_sales(plan, history, evidence, findings)
    audit_shown(plan, history, evidence, chronicle, findings)
    return findings.violations
