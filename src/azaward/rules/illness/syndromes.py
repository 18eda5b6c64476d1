"""Signs and results that mean more together than each alone: reactions to a thiopurine, and severe infections.

Each rule puts together what a person is told to have (the stage `signs`, one row a person) and what the laboratory
found. They suspect; none of them proves.
"""

from __future__ import annotations

from functools import reduce
from operator import add

from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.finding import findings, number
from azaward.rules.language.limit import Limit, limit
from azaward.rules.language.tables import DAYS_IN_WEEK, day_number, greatest, knowledge, least, parameter, record
from azaward.rules.language.words import OF_ONE, beside, last_of, of_analyte, on_treatment, perhaps, surely, treated
from azaward.rules.stages.counts import varying
from azaward.terms import Action, Comparison, Rule, Status, Urgency


def hypersensitivity(signs: Table) -> Table:
    """Two signs of a reaction in the first weeks of treatment or of a new start: stop.

    One of them is fever, a rash or a collapse.
    """
    begun = greatest(signs.started_day, signs.restarted_day)
    within = limit("hypersensitivity_days_high")

    def early(day: Value) -> Value:
        # Who went on taking it for so long after the sign has shown that they can.
        return surely(
            perhaps(day >= begun) & perhaps(within.met_by(day - begun)) & within.met_by(signs.as_of_day - day)
        )

    main = [early(signs[sign]) for sign in ("fever", "skin", "collapse")]
    others = [early(signs[sign]) for sign in ("aches", "faint", "sick")]
    n = reduce(add, (sign.cast("int64") for sign in (*main, *others)))
    rows = signs.mutate(n=n, main=ibis.or_(*main))
    rows = rows.filter(rows.main & (rows.n > 1))
    return findings(
        rows,
        Rule.SYNDROMES,
        code="hypersensitivity_likely",
        action=Action.STOP,
        urgency=Urgency.SAME_DAY,
        subject="hypersensitivity",
        asks_for="full_blood_count liver kidney",
        value=rows.n,
        on=least(least(rows.fever, rows.skin), rows.collapse),
        limit=Limit(within.value, within.comparison, "d"),
    )


def jaundice(signs: Table, latest: Table) -> Table:
    """Jaundice on treatment: stop. With few platelets or a large spleen also a sign of portal hypertension."""
    rows = beside(signs.filter(signs.yellow.notnull()), last_of(latest, "platelets"))
    rows = beside(rows, _classed("portal", "portal"))
    portal = surely(rows.platelets_low < rows.platelets_lln) | rows.portal.notnull()
    return findings(
        rows,
        Rule.SYNDROMES,
        code=portal.ifelse("jaundice_portal", "jaundice_told"),
        action=Action.STOP,
        urgency=Urgency.SAME_DAY,
        subject="jaundice",
        asks_for="liver full_blood_count",
        on=rows.yellow,
        platelets=number(rows.platelets_low),
    )


def cholestasis(signs: Table, latest: Table) -> Table:
    """Itching with a raised ALP, GGT or bilirubin: cholestasis? Without a known liver disease: withhold."""
    rows = beside(signs.filter(signs.itch.notnull()), last_of(latest, "alp", "ggt", "bilirubin"))
    raised = ibis.or_(*(surely(rows[f"{a}_high"] > rows[f"{a}_uln"]) for a in ("alp", "ggt", "bilirubin")))
    rows = beside(rows.filter(raised), _classed("known_raised_liver_tests", "known"))
    return findings(
        rows,
        Rule.SYNDROMES,
        code="cholestasis_itching",
        action=rows.known.notnull().ifelse(Action.REVIEW, Action.WITHHOLD),
        urgency=rows.known.notnull().ifelse(Urgency.THIS_WEEK, Urgency.SAME_DAY),
        subject="itching",
        asks_for="liver",
        on=rows.itch,
        alp=number(rows.alp_shown),
        ggt=number(rows.ggt_shown),
        bilirubin=number(rows.bilirubin_shown),
    )


def _classed(of_class: str, name: str) -> Table:
    """Who has an event of a class, whenever it was: one column more, of this name."""
    events, classes = record("events"), knowledge("event_classes")
    rows = events.semi_join(classes.filter(classes["class"] == of_class), ["kind", "code"])
    return rows.group_by("patient_id").agg(**{name: rows.code.min()})


def fever_inflamed(signs: Table, latest: Table) -> Table:
    """Fever with a raised CRP since it began: an infection until another cause is found."""
    rows = signs.filter(signs.fever.notnull()).inner_join(of_analyte(latest, "crp"), "patient_id")
    rows = rows.mutate(bound=ibis.coalesce(rows.uln, limit("crp_usual_limit").value))
    rows = rows.filter((rows.high > rows.bound) & (rows.day >= rows.fever))
    return findings(
        rows,
        Rule.SYNDROMES,
        code="fever_inflamed",
        action=Action.WITHHOLD,
        urgency=Urgency.SAME_DAY,
        subject="crp",
        asks_for="full_blood_count",
        value=rows.shown_high,
        text=rows.comparator_high,
        unit=rows.unit,
        on=rows.taken_on,
        limit=Limit(rows.bound, Comparison.ABOVE, rows.unit),
    )


def lungs(signs: Table) -> Table:
    """Fever with a cough or breathlessness, both of these weeks: pneumonia, pneumocystis or pneumonitis."""
    weeks = limit("lung_signs_weeks").times(ibis.literal(DAYS_IN_WEEK))
    rows = signs.filter(weeks.met_by(signs.as_of_day - signs.fever) & weeks.met_by(signs.as_of_day - signs.lungs))
    return findings(
        rows,
        Rule.SYNDROMES,
        code="lung_signs",
        action=Action.WITHHOLD,
        urgency=Urgency.SAME_DAY,
        subject="breathlessness",
        asks_for="full_blood_count",
        on=greatest(rows.fever, rows.lungs),
        limit=Limit(parameter("lung_signs_weeks"), Comparison.AT_MOST, "wk"),
    )


def bleeding(signs: Table, latest: Table) -> Table:
    """Bruising or bleeding with few platelets: marrow failure until shown otherwise."""
    few = limit("bleeding_platelets")
    rows = signs.filter(signs.bleeds.notnull()).inner_join(of_analyte(latest, "platelets"), "patient_id")
    rows = rows.filter(few.met_by(rows.low))
    return findings(
        rows,
        Rule.SYNDROMES,
        code="bleeding_platelets",
        action=Action.WITHHOLD,
        urgency=Urgency.SAME_DAY,
        subject="platelets",
        asks_for="full_blood_count",
        value=rows.shown_low,
        text=rows.comparator_low,
        unit=rows.unit,
        on=rows.taken_on,
        limit=few,
    )


def activation(signs: Table, latest: Table) -> Table:
    """Fever with two of the three lines as low as in haemophagocytosis: macrophage activation, or marrow failure."""
    rows = beside(signs.filter(signs.fever.notnull()), last_of(latest, "haemoglobin", "platelets", "neutrophils"))
    low = [
        surely(limit(f"activation_{line}").met_by(rows[f"{line}_low"])).cast("int64")
        for line in ("haemoglobin", "platelets", "neutrophils")
    ]
    rows = rows.filter(low[0] + low[1] + low[2] > 1)
    return findings(
        rows,
        Rule.SYNDROMES,
        code="macrophage_activation_signs",
        action=Action.STOP,
        urgency=Urgency.EMERGENCY,
        subject="fever",
        asks_for="full_blood_count liver",
        on=rows.fever,
        haemoglobin=number(rows.haemoglobin_low),
        platelets=number(rows.platelets_low),
        neutrophils=number(rows.neutrophils_low),
    )


def lymphoma(signs: Table) -> Table:
    """Swollen glands with another general sign, or night sweats with loss of weight: lymphoma, EBV or tuberculosis?"""
    general = ibis.or_(*(signs[sign].notnull() for sign in ("sweats", "wasting", "fever", "itch")))
    rows = signs.filter((signs.nodes.notnull() & general) | (signs.sweats.notnull() & signs.wasting.notnull()))
    return findings(
        rows,
        Rule.SYNDROMES,
        code="lymphoma_signs",
        action=Action.REFER,
        urgency=Urgency.THIS_WEEK,
        subject="swollen_glands",
        asks_for="full_blood_count",
        on=least(least(rows.nodes, rows.sweats), rows.wasting),
    )


def brain(signs: Table) -> Table:
    """New neurological signs on treatment: suspend it at the first. With a rash or diarrhoea: pellagra?"""
    rows = signs.filter(signs.brain.notnull() & perhaps(signs.brain >= signs.started_day))
    pellagra = rows.skin.notnull() | rows.gut.notnull()
    return findings(
        rows,
        Rule.SYNDROMES,
        code=pellagra.ifelse("neurological_or_pellagra", "neurological_signs"),
        action=Action.WITHHOLD,
        urgency=Urgency.SAME_DAY,
        subject="confusion",
        on=rows.brain,
    )


def varicella(person: Table) -> Table:
    """Chickenpox or shingles now: an antiviral the same day, and no thiopurine meanwhile."""
    events, classes = record("events").distinct(), knowledge("event_classes")
    rows = events.semi_join(classes.filter(classes["class"] == "varicella_zoster"), ["kind", "code"])
    rows = rows.inner_join(treated(person, "as_of", "as_of_day", "status"), "patient_id")
    rows = rows.mutate(day=day_number(rows.started_on))
    weeks = limit("shingles_weeks").times(ibis.literal(DAYS_IN_WEEK))
    going_on = perhaps(rows.started_on <= rows.as_of) & perhaps(rows.ended_on >= rows.as_of)
    # Without a day it is known only to have been: a record of it counts as immunity, not as illness.
    rows = rows.filter(going_on & surely(weeks.met_by(rows.as_of_day - rows.day)))
    rows = rows.group_by(["patient_id", "protocol", "status"]).agg(code=rows.code.min(), day=rows.day.max())
    return findings(
        rows,
        Rule.SYNDROMES,
        code="varicella_now",
        action=(rows.status == Status.PLANNED).ifelse(Action.DO_NOT_START, Action.WITHHOLD),
        urgency=Urgency.SAME_DAY,
        subject=rows.code,
        asks_for="full_blood_count",
        on=rows.day,
        limit=Limit(parameter("shingles_weeks"), Comparison.AT_MOST, "wk"),
    )


def macrocytic(person: Table, latest: Table, history: Table) -> Table:
    """Large red cells with an anaemia that is new for this person; with another line low, a haematologist."""
    rows = _anaemic(person, latest, history)
    rows = rows.filter(limit("macrocytosis_fl").met_by(rows.mcv_high))
    few = surely(limit("bleeding_platelets").met_by(rows.platelets_low)) | surely(
        limit("marrow_white_cells").met_by(rows.wbc_low)
    )
    return findings(
        rows,
        Rule.SYNDROMES,
        code=few.ifelse("macrocytic_cytopenia", "macrocytic_anaemia"),
        action=few.ifelse(Action.REFER, Action.TEST),
        urgency=Urgency.THIS_WEEK,
        subject="haemoglobin",
        asks_for="full_blood_count",
        value=rows.shown_low,
        text=rows.comparator_low,
        unit=rows.unit,
        on=rows.taken_on,
        limit=Limit(rows.bound, Comparison.BELOW, rows.unit),
        mcv=number(rows.mcv_shown),
        before=number(rows.earlier_mean),
    )


def _anaemic(person: Table, latest: Table, history: Table) -> Table:
    """A haemoglobin below normal and, where earlier ones are known, further below them than it moves by itself."""
    rows = of_analyte(latest, "haemoglobin").mutate(analyte=ibis.literal("haemoglobin"))
    rows = rows.inner_join(on_treatment(person, "sex"), "patient_id")
    rows = beside(rows, history.select(*OF_ONE, "earlier_mean", "earlier_n"), OF_ONE)
    rows = beside(rows, last_of(latest, "mcv", "platelets", "wbc"))
    woman = rows.sex == "female"
    bound = ibis.coalesce(rows.lln, woman.ifelse(parameter("anaemia_women"), parameter("anaemia_men")))
    rows = varying(rows.mutate(bound=bound))
    allowed = rows.spread * (1 + 1 / rows.earlier_n).sqrt()
    fallen = perhaps(1 - rows.low / rows.earlier_mean > allowed)
    return rows.filter((rows.low < rows.bound) & fallen)
