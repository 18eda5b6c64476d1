"""When a TPMT activity can't be trusted, and what to do where genotype and activity disagree."""

from __future__ import annotations

from azaward.rules.finding import findings, number
from azaward.rules.tables import Table, cite, day_number, knowledge, record
from azaward.rules.untyped import ibis


def untrusted(person: Table, genes: Table, taken: Table) -> Table:
    """Activity measured after a transfusion, on a medicine or in a condition that changes it.

    Only a reading that could hide a weak enzyme is pressing; one that may look too low errs on the safe side.
    """
    rows = genes.filter(genes.tpmt_activity.notnull()).select(
        "patient_id", "tpmt_activity", "tpmt_genotype", "activity_normal", "activity_day", "activity_on"
    )
    rows = rows.inner_join(
        person.filter(person.status.isin(["on", "planned"])).select("patient_id", "protocol"), "patient_id"
    )
    pitfalls = knowledge("enzyme_pitfalls")
    # A thiopurine among the medicines is a "treatment" in the list of pitfalls.
    for_kind = (pitfalls.kind == "treatment").ifelse("medicine", pitfalls.kind)
    pitfalls = pitfalls.mutate(for_kind=for_kind, for_code=pitfalls.code.replace("_", " ")).drop("kind", "code")
    events = record("events")
    events = events.filter(events.kind.isin(["transfusion", "condition"])).select(
        "patient_id", kind="kind", code="code", from_day=day_number(events.started_on), to_day=day_number(events.ended_on)
    )
    # Any transfusion counts as such, whatever its words are.
    events = events.mutate(code=(events.kind == "transfusion").ifelse("transfusion", events.code.replace("_", " ")))
    medicines = taken.filter(taken.begun).select(
        "patient_id",
        kind=ibis.literal("medicine"),
        code=taken.medicine.replace("_", " "),
        from_day=taken.start_day,
        to_day=taken.stop_day,
    )
    seen = rows.inner_join(ibis.union(events, medicines), "patient_id")
    found = seen.inner_join(
        pitfalls,
        [seen.kind == pitfalls.for_kind, seen.code == pitfalls.for_code],
    )
    upto = found.activity_day - found.days_before.fill_null(0)
    ends = ibis.cases((found.kind == "transfusion", found.from_day), else_=found.to_day)
    found = found.filter(
        (found.from_day <= found.activity_day).fill_null(True) & (ends.isnull() | (ends >= upto))
    )
    hides = found.effect.isin(["falsely-high", "unreliable"]) & found.activity_normal & found.tpmt_genotype.isnull()
    return findings(
        found,
        "enzyme",
        code="activity_untrusted",
        action=hides.ifelse("test", "inform"),
        urgency=hides.ifelse("this-week", "info"),
        subject="tpmt_activity",
        text=found.tpmt_activity,
        on=found.activity_on,
        limit_value=found.days_before,
        limit_unit="d",
        comparison="within",
        a=found.code,
        b=number(found.days_before),
        says=found.says,
        sources=cite(found),
    )


def disagree(person: Table, genes: Table) -> Table:
    """Genotype and activity that say different things: what the literature advises for that pair."""
    rows = genes.filter(genes.tpmt_genotype != genes.tpmt_activity).select(
        "patient_id", "tpmt_genotype", "tpmt_activity", "activity_on"
    )
    rows = rows.inner_join(
        person.filter(person.status.isin(["on", "planned"])).select("patient_id", "protocol", "status"), "patient_id"
    )
    advice = knowledge("discordance")
    rows = rows.inner_join(
        advice, [rows.tpmt_genotype == advice.genotype_phenotype, rows.tpmt_activity == advice.activity_phenotype]
    )
    rows = rows.filter(rows.action != "inform")
    action = ((rows.status == "on") & (rows.action == "do-not-start")).ifelse("stop", rows.action)
    return findings(
        rows,
        "enzyme",
        code="genotype_activity_disagree",
        action=action,
        urgency=action.isin(["stop", "do-not-start"]).ifelse("same-day", "this-week"),
        subject="tpmt_activity",
        text=rows.tpmt_activity,
        on=rows.activity_on,
        a=rows.tpmt_genotype,
        b=rows.tpmt_activity,
        says=rows.says,
        sources=cite(rows),
    )


def reports_disagree(person: Table, genes: Table) -> Table:
    """Two reports of one gene, or a diplotype and the phenotype beside it, that differ; or one nobody can read."""
    rows = genes.inner_join(
        person.filter(person.status.isin(["on", "planned"])).select("patient_id", "protocol"), "patient_id"
    )
    rows = rows.filter(
        rows.tpmt_disagree.fill_null(False) | rows.nudt15_disagree.fill_null(False) | rows.unreadable
    )
    differ = rows.tpmt_disagree.fill_null(False) | rows.nudt15_disagree.fill_null(False)
    return findings(
        rows,
        "enzyme",
        code=differ.ifelse("gene_reports_disagree", "gene_report_unreadable"),
        action="review",
        urgency="this-week",
        subject=rows.nudt15_disagree.fill_null(False).ifelse("nudt15", "tpmt"),
        on=rows.reported_on,
        a=rows.tpmt,
        b=rows.nudt15,
    )
