"""When a TPMT activity can't be trusted, and what to do where genotype and activity disagree."""

from __future__ import annotations

from azaward.record.names import UNRECOGNISED
from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.finding import findings
from azaward.rules.language.limit import Limit
from azaward.rules.language.tables import day_number, knowledge, record
from azaward.rules.language.words import first_of, perhaps, surely, treated
from azaward.terms import Action, Rule, Status, Urgency


def untrusted(person: Table, genes: Table, taken: Table) -> Table:
    """Activity or genotype of a sample that a transfusion, a medicine or a condition may have falsified.

    Only a reading that could hide a weak enzyme is pressing; one that may look too low errs on the safe side.
    """
    people, happened = treated(person, "as_of_day"), _happened(taken)
    return ibis.union(
        _activity_untrusted(people, genes, happened), _genotype_untrusted(people, happened), _alone(people, genes)
    )


def _alone(people: Table, genes: Table) -> Table:
    """One of genotype and activity, known without the other, that deserves the other test."""
    rows = genes.filter(genes.tpmt_genotype.isnull() != genes.tpmt_activity.isnull())
    said = ibis.coalesce(rows.tpmt_genotype, rows.tpmt_activity)
    rows = rows.select("patient_id", "tpmt_genotype", "activity_on", "reported_on", said=said)
    rows = rows.inner_join(people.select("patient_id", "protocol"), "patient_id")
    advice = knowledge("discordance").filter(knowledge("discordance").action == Action.TEST)
    rows = rows.inner_join(
        advice,
        ((advice.genotype_phenotype == "any") & (advice.activity_phenotype == rows.said))
        | ((advice.activity_phenotype == "any") & (advice.genotype_phenotype == rows.tpmt_genotype)),
    )
    by_gene = rows.tpmt_genotype.notnull()
    return findings(
        rows,
        Rule.ENZYME,
        code="enzyme_second_test",
        action=rows.action,
        urgency=Urgency.ROUTINE,
        asks_for="tpmt",
        subject=by_gene.ifelse("tpmt", "tpmt_activity"),
        text=rows.said,
        on=by_gene.ifelse(rows.reported_on, rows.activity_on),
        method=by_gene.ifelse("genotype", "activity"),
        says=rows.says,
        fact=rows.fact,
    )


def _activity_untrusted(people: Table, genes: Table, happened: Table) -> Table:
    rows = genes.filter(genes.tpmt_activity.notnull()).select(
        "patient_id", "tpmt_activity", "tpmt_genotype", "activity_normal", "activity_day", "activity_on"
    )
    seen = rows.inner_join(people, "patient_id").inner_join(happened, "patient_id")
    pitfalls = _pitfalls()
    rows = seen.inner_join(pitfalls, [seen.kind == pitfalls.for_kind, seen.code == pitfalls.for_code])
    rows = rows.filter(_in_time(rows, rows.activity_day))
    hides = rows.effect.isin(["falsely-high", "unreliable"]) & rows.activity_normal & rows.tpmt_genotype.isnull()
    return _may_mislead(
        rows,
        hides,
        code="activity_untrusted",
        subject="tpmt_activity",
        test="tpmt",
        text=rows.tpmt_activity,
        on=rows.activity_on,
    )


def _genotype_untrusted(people: Table, happened: Table) -> Table:
    """The last report of each gene, where its sample may have held a donor's cells."""
    reports = record("genotypes").mutate(tested_day=day_number(record("genotypes").reported_on))
    reports = reports.filter(reports.method == "genotype").inner_join(people, "patient_id")
    reports = reports.filter(perhaps(reports.tested_day <= reports.as_of_day))
    reports = first_of(reports, ["patient_id", "gene"], [ibis.desc("tested_day"), "phenotype", "diplotype"])
    seen = reports.inner_join(happened, "patient_id")
    pitfalls = _pitfalls().filter(_pitfalls().effect == "unreliable")
    rows = seen.inner_join(pitfalls, seen.kind == pitfalls.for_kind)
    rows = rows.filter((rows.kind == "transfusion") | (rows.code == rows.for_code))
    rows = rows.filter(_in_time(rows, rows.tested_day))
    hides = perhaps(rows.phenotype != "Poor Metabolizer")
    return _may_mislead(
        rows,
        hides,
        code="genotype_untrusted",
        subject=rows.gene.lower(),
        test=rows.gene.lower(),
        text=rows.phenotype,
        on=rows.reported_on,
    )


def _may_mislead(
    rows: Table, hides: Value, code: str, subject: Value | str, test: Value | str, text: Value, on: Value
) -> Table:
    """Each pitfall of a sample as a finding; pressing where it could hide a weak enzyme."""
    return findings(
        rows,
        Rule.ENZYME,
        code=code,
        action=hides.ifelse(Action.TEST, Action.INFORM),
        urgency=hides.ifelse(Urgency.THIS_WEEK, Urgency.INFO),
        subject=subject,
        asks_for=test,
        text=text,
        on=on,
        limit=Limit(rows.days_before, "within", "d"),
        pitfall=rows.code,
        says=rows.says,
        fact=rows.fact,
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
        code=taken.medicine.replace(UNRECOGNISED, "").replace("_", " ").lower(),
        from_day=taken.start_day,
        to_day=taken.stop_day,
    )
    return ibis.union(events, medicines)


def _in_time(rows: Table, day: Value) -> Value:
    """Whether it had begun by that day and was not over for long; what isn't known counts."""
    begun = perhaps(rows.from_day <= day)
    return begun & perhaps(rows.to_day >= day - rows.days_before.fill_null(0))


def disagree(person: Table, genes: Table) -> Table:
    """Genotype and activity that say different things: what the literature advises for that pair."""
    rows = genes.filter(genes.tpmt_genotype != genes.tpmt_activity).select(
        "patient_id", "tpmt_genotype", "tpmt_activity", "activity_on"
    )
    rows = rows.inner_join(treated(person, "status"), "patient_id")
    advice = knowledge("discordance")
    rows = rows.inner_join(
        advice, [rows.tpmt_genotype == advice.genotype_phenotype, rows.tpmt_activity == advice.activity_phenotype]
    )
    rows = rows.filter(rows.action != Action.INFORM)
    begun = (rows.status == Status.ON) & (rows.action == Action.DO_NOT_START)
    action = begun.ifelse(Action.STOP, rows.action)
    return findings(
        rows,
        Rule.ENZYME,
        code="genotype_activity_disagree",
        action=action,
        urgency=action.isin([Action.STOP, Action.DO_NOT_START]).ifelse(Urgency.SAME_DAY, Urgency.THIS_WEEK),
        subject="tpmt_activity",
        text=rows.tpmt_activity,
        on=rows.activity_on,
        genotype=rows.tpmt_genotype,
        activity=rows.tpmt_activity,
        says=rows.says,
        fact=rows.fact,
    )


def reports_disagree(person: Table, genes: Table) -> Table:
    """Two reports of one gene, or a diplotype and the phenotype beside it, that differ; or one nobody can read."""
    rows = genes.inner_join(treated(person), "patient_id")
    differ = surely(rows.tpmt_disagree) | surely(rows.nudt15_disagree)
    rows = rows.filter(differ | rows.unreadable)
    differ = surely(rows.tpmt_disagree) | surely(rows.nudt15_disagree)
    return findings(
        rows,
        Rule.ENZYME,
        code=differ.ifelse("gene_reports_disagree", "gene_report_unreadable"),
        action=Action.REVIEW,
        urgency=Urgency.THIS_WEEK,
        subject=surely(rows.nudt15_disagree).ifelse("nudt15", "tpmt"),
        on=rows.reported_on,
        tpmt=rows.tpmt,
        nudt15=rows.nudt15,
    )
