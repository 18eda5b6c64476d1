"""What the record lacks for a whole answer, as DataRequirements: by the code of the finding that says so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from azaward.assessment import Finding
from azaward.reports.assessment.fhir.catalogue import result_codes
from azaward.reports.assessment.fhir.elements import Resource, coding
from azaward.reports.assessment.fhir.exchange import Exchange
from azaward.terms import Rule


class Lack(NamedTuple):
    """The resource that is missing or lacks something, and its elements; no type where it may be any."""

    type: str | None
    elements: tuple[str, ...] = ()


_RESULT = Lack("Observation")
_DATED = Lack("Observation", ("effective",))
_VALUE = Lack("Observation", ("value",))
_RANGE = Lack("Observation", ("referenceRange",))
_DOSE = Lack("MedicationRequest", ("dosageInstruction",))
_NAME = Lack("MedicationRequest", ("medication",))
_OVER = Lack("Condition", ("abatement",))

LACKS: Mapping[str, Lack] = {
    # A test that was not done, not done in time, or not done in full.
    **dict.fromkeys(("test_overdue", "test_long_overdue", "test_never_done", "test_incomplete"), _RESULT),
    **dict.fromkeys(("baseline_missing", "baseline_incomplete", "baseline_too_old"), _RESULT),
    **dict.fromkeys(("genes_unknown", "genes_unknown_early", "enzyme_second_test", "ebv_unknown"), _RESULT),
    **dict.fromkeys(("low_dose_tpmt_unknown", "low_dose_not_measured", "fever_untested"), _RESULT),
    **dict.fromkeys(("metabolites_incomplete", "metabolites_without_tgn", "metabolites_outdated"), _RESULT),
    **dict.fromkeys(("not_tested_since_pause", "earlier_value_missing", "weight_unknown"), _RESULT),
    **dict.fromkeys(("genotype_untrusted", "activity_untrusted"), _RESULT),
    # A result that can't be used.
    **dict.fromkeys(("result_no_date", "result_future"), _DATED),
    **dict.fromkeys(("result_no_value", "result_words_for_number", "result_no_unit", "result_unknown_unit"), _VALUE),
    **dict.fromkeys(("result_doubted", "result_unnamed", "part_over_whole", "flag_contradicted"), _VALUE),
    **dict.fromkeys(("result_implausible", "temperature_unusable", "gene_report_unreadable"), _VALUE),
    **dict.fromkeys(("screening_unclear", "gene_reports_disagree", "genotype_activity_disagree"), _VALUE),
    **dict.fromkeys(("reference_range_missing", "pancreas_range_missing"), _RANGE),
    # Medicines.
    **dict.fromkeys(("dose_unknown", "dose_impossible", "dose_repeated", "doses_disagree"), _DOSE),
    **dict.fromkeys(("low_dose_allopurinol_high", "thiopurine_switched_unclear", "restart_after_harm"), _DOSE),
    "start_unreadable": Lack("MedicationRequest", ("authoredOn", "dosageInstruction.timing")),
    "dates_contradict": Lack("MedicationRequest", ("dosageInstruction.timing",)),
    **dict.fromkeys(("medicine_not_checked", "medicine_may_be", "medicine_may_be_thiopurine"), _NAME),
    **dict.fromkeys(("medicine_without_name", "severe_count_unknown_treatment"), _NAME),
    **dict.fromkeys(("on_hold", "on_hold_undated"), Lack("MedicationRequest", ("status", "dosageInstruction.timing"))),
    **dict.fromkeys(("no_thiopurine", "metabolites_without_treatment"), Lack("MedicationRequest")),
    # The person, and what happened to them.
    "age_unknown": Lack("Patient", ("birthDate",)),
    "allergy_may_be_thiopurine": Lack("AllergyIntolerance", ("code",)),
    **dict.fromkeys(("identity_conflict", "may_be_one_person"), Lack("Patient", ("identifier", "birthDate", "gender"))),
    "indication_unknown": Lack("Condition", ("code",)),
    **dict.fromkeys(("symptom_unended", "fever_unended", "symptom_emergency", "symptom_going_on"), _OVER),
    "surgery_undated": Lack("Procedure", ("performed",)),
    "live_vaccine_undated": Lack("Immunization", ("occurrence",)),
    # What couldn't be read may be anything: the OperationOutcome has each item.
    **dict.fromkeys(("record_unreadable", "record_uncertain", "record_incomplete"), Lack(None)),
}


def lack_of(finding: Finding) -> Lack | None:
    """What a finding says is missing; what the rule on the record says without a line above may be anything."""
    return LACKS.get(finding.code) or (Lack(None) if finding.rule == Rule.RECORD_QUALITY else None)


def requirements(findings: Iterable[Finding], exchange: Exchange) -> list[Resource]:
    """What is missing, each once."""
    found: list[Resource] = []
    for each in _requirements(findings, exchange):
        if each not in found:
            found.append(each)
    return found


def _requirements(findings: Iterable[Finding], exchange: Exchange) -> Iterator[Resource]:
    for finding in findings:
        lack = lack_of(finding)
        if lack is None or lack.type is None:
            continue
        required: Resource = {"type": lack.type}
        if lack.elements:
            required["mustSupport"] = list(lack.elements)
        if lack.type != "Observation":
            yield required
            continue
        for test in finding.asks_for if lack is _RESULT and finding.asks_for else [finding.subject]:
            codes = result_codes(test, exchange.knowledge) or [coding("test", test)]
            yield {**required, "codeFilter": [{"path": "code", "code": codes}]}
