"""When a TPMT activity can't be trusted, and what to do where genotype and activity disagree."""

from __future__ import annotations

from azaward.rules.language.finding import findings
from azaward.rules.language.tables import Table, Value, cite, day_number, knowledge, record
from azaward.rules.language.untyped import ibis


def untrusted(person: Table, genes: Table, taken: Table) -> Table:
    """Activity or genotype of a sample that a transfusion, a medicine or a condition may have falsified.

    Only a reading that could hide a weak enzyme is pressing; one that may look too low errs on the safe side.
    """
    treated = person.filter(person.status.isin(["on", "planned"])).select("patient_id", "protocol", "as_of_day")
    happened = _happened(taken)
    return ibis.union(
        _activity_untrusted(treated, genes, happened), _genotype_untrusted(treated, happened), _alone(treated, genes)
    )


def _alone(treated: Table, genes: Table) -> Table:
    """One of genotype and activity, known without the other, that deserves the other test."""
    rows = genes.filter(genes.tpmt_genotype.isnull() != genes.tpmt_activity.isnull())
    said = ibis.coalesce(rows.tpmt_genotype, rows.tpmt_activity)
    rows = rows.select("patient_id", "tpmt_genotype", "activity_on", "reported_on", said=said)
    rows = rows.inner_join(treated.select("patient_id", "protocol"), "patient_id")
    advice = knowledge("discordance").filter(knowledge("discordance").action == "test")
    rows = rows.inner_join(
        advice,
        ((advice.genotype_phenotype == "any") & (advice.activity_phenotype == rows.said))
        | ((advice.activity_phenotype == "any") & (advice.genotype_phenotype == rows.tpmt_genotype)),
    )
    by_gene = rows.tpmt_genotype.notnull()
    return findings(
        rows,
        "enzyme",
        code="enzyme_second_test",
        action=rows.action,
        urgency="routine",
        subject=by_gene.ifelse("tpmt", "tpmt_activity"),
        text=rows.said,
        on=by_gene.ifelse(rows.reported_on, rows.activity_on),
        a=by_gene.ifelse("genotype", "activity"),
        says=rows.says,
        sources=cite(rows),
    )


def _activity_untrusted(treated: Table, genes: Table, happened: Table) -> Table:
    rows = genes.filter(genes.tpmt_activity.notnull()).select(
        "patient_id", "tpmt_activity", "tpmt_genotype", "activity_normal", "activity_day", "activity_on"
    )
    seen = rows.inner_join(treated, "patient_id").inner_join(happened, "patient_id")
    pitfalls = _pitfalls()
    found = seen.inner_join(pitfalls, [seen.kind == pitfalls.for_kind, seen.code == pitfalls.for_code])
    found = found.filter(_in_time(found, found.activity_day))
    hides = found.effect.isin(["falsely-high", "unreliable"]) & found.activity_normal & found.tpmt_genotype.isnull()
    return _may_mislead(
        found, hides, code="activity_untrusted", subject="tpmt_activity", text=found.tpmt_activity, on=found.activity_on
    )


def _genotype_untrusted(treated: Table, happened: Table) -> Table:
    """The last report of each gene, where its sample may have held a donor's cells."""
    reports = record("genotypes").mutate(tested_day=day_number(record("genotypes").reported_on))
    reports = reports.filter(reports.method == "genotype").inner_join(treated, "patient_id")
    reports = reports.filter((reports.tested_day <= reports.as_of_day).fill_null(True))
    last = ibis.window(group_by=["patient_id", "gene"], order_by=[ibis.desc("tested_day"), "phenotype", "diplotype"])
    reports = reports.mutate(place=ibis.row_number().over(last))
    seen = reports.filter(reports.place == 0).inner_join(happened, "patient_id")
    pitfalls = _pitfalls().filter(_pitfalls().effect == "unreliable")
    found = seen.inner_join(pitfalls, seen.kind == pitfalls.for_kind)
    found = found.filter((found.kind == "transfusion") | (found.code == found.for_code))
    found = found.filter(_in_time(found, found.tested_day))
    hides = (found.phenotype != "Poor Metabolizer").fill_null(True)
    return _may_mislead(
        found, hides, code="genotype_untrusted", subject=found.gene.lower(), text=found.phenotype, on=found.reported_on
    )


def _may_mislead(found: Table, hides: Value, **what: Value | str) -> Table:
    """Each pitfall of a sample as a finding; pressing where it could hide a weak enzyme."""
    return findings(
        found,
        "enzyme",
        action=hides.ifelse("test", "inform"),
        urgency=hides.ifelse("this-week", "info"),
        limit_value=found.days_before,
        limit_unit="d",
        comparison="within",
        a=found.code,
        says=found.says,
        sources=cite(found),
        **what,
    ).distinct()


def _pitfalls() -> Table:
    pitfalls = knowledge("enzyme_pitfalls")
    # A "treatment" stands in a record among the medicines, or among the procedures.
    treatment = (pitfalls.code.contains("transplant")).ifelse("procedure", "medicine")
    return pitfalls.mutate(
        for_kind=(pitfalls.kind == "treatment").ifelse(treatment, pitfalls.kind),
        for_code=pitfalls.code.replace("_", " ").lower(),
    ).drop("kind", "code")


def _happened(taken: Table) -> Table:
    """What a patient had or took and from when to when, in plain words."""
    events = record("events")
    events = events.filter(events.kind.isin(["transfusion", "condition", "procedure"]))
    transfusion = events.kind == "transfusion"
    words = events.code.replace("_", " ").lower()
    # Whose stem cells they were is often not said: a donor's are assumed.
    words = (words == "stem cell transplant").ifelse("allogeneic stem cell transplant", words)
    begun = day_number(events.started_on)
    events = events.select(
        "patient_id",
        kind="kind",
        # Any transfusion counts as such, whatever its words are, and is over on its day.
        code=transfusion.ifelse("transfusion", words),
        from_day=begun,
        to_day=transfusion.ifelse(begun, day_number(events.ended_on)),
    )
    medicines = taken.filter(taken.begun).select(
        "patient_id",
        kind=ibis.literal("medicine"),
        # What the list of medicines doesn't know may still be named here.
        code=taken.medicine.replace("unknown:", "").replace("_", " ").lower(),
        from_day=taken.start_day,
        to_day=taken.stop_day,
    )
    return ibis.union(events, medicines)


def _in_time(found: Table, day: Value) -> Value:
    """Whether it had begun by that day and was not over for long; what isn't known counts."""
    begun = (found.from_day <= day).fill_null(True)
    return begun & (found.to_day >= day - found.days_before.fill_null(0)).fill_null(True)


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
    rows = rows.filter(rows.tpmt_disagree.fill_null(False) | rows.nudt15_disagree.fill_null(False) | rows.unreadable)
    differ: Value = rows.tpmt_disagree.fill_null(False) | rows.nudt15_disagree.fill_null(False)
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
