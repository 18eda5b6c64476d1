"""Labels and codes in the scripts of the world: what is dangerous is known, and what is another medicine stays quiet.

A label that names allopurinol in Japanese is allopurinol; one that is near a thiopurine is asked about; and the names
of common medicines in the same scripts are never taken for a thiopurine.
"""

from __future__ import annotations

import pytest

from azaward.knowledge import load
from azaward.knowledge.loading.words.vocabulary import Coding
from azaward.medicines.names import names

KNOWN = names(load())
NDC = "http://hl7.org/fhir/sid/ndc"
YJ = "http://capstandard.jp/iyaku.info/CodeSystem/YJ-code"

LABELS = {
    "allopurinol": (
        "アロプリノール錠100mg「サワイ」",
        "ｱﾛﾌﾟﾘﾉｰﾙ錠１００ｍｇ",
        "ザイロリック錠100",
        "알로푸리놀정 100mg",
        "자이로릭정",
        "别嘌醇片 0.1g",
        "別嘌醇錠100毫克",
        "Аллопуринол 100 мг",
        "Алопуринол, таблетки 300 мг",
        "أقراص ألوبيورينول 100 مجم",
        "אלופורינול 100 מג",
        "آلوپورینول قرص ۱۰۰",
        "ยาอัลโลพูรินอล 100 มก.",
        "एलोप्यूरिनॉल गोली 100 मिग्रा",
        "Αλλοπουρινόλη 100 mg δισκία",
        "SOLURIC 300MG/TAB",
        "Urosin 300 mg Tabletten",
        "Lopurin 100 mg",
        "Bleminol",
    ),
    "febuxostat": (
        "フェブリク錠20mg",
        "フェブキソスタット錠10mg",
        "페북소스타트정 40mg",
        "非布司他片",
        "Аденурик 80 мг",
    ),
    "topiroxostat": ("トピロリック錠60mg", "ウリアデック錠20mg"),
    "oxipurinol": ("oxypurinol", "alloxanthine"),
    "ribavirin": ("リバビリン錠200mg", "리바비린", "Рибавирин 200 мг", "ريبافيرين كبسولات", "Ribavirina Normon"),
    "azathioprine": (
        "依木兰 50mg",
        "硫唑嘌呤片(依木兰)50mg",
        "이무란정",
        "아자프린정",
        "ยาเม็ดอะซาไธโอพรีน 50 มก.",
        "एज़ैथियोप्रिन गोली 50 मिग्रा",
        "Азатиоприн, таблетки 50 мг",
        "Imussuprex 50mg 50 comprimidos",
        "Transimune 50",
    ),
    "mercaptopurine": ("μερκαπτοπουρίνη 50 mg", "6-巰嘌呤", "ロイケリン散10%", "メルカプトプリン水和物"),
    "methotrexate": ("メトトレキサート", "甲氨蝶呤片", "메토트렉세이트", "Метотрексат", "ميثوتريكسات", "מתוטרקסט"),
    "warfarin": ("ワーファリン錠1mg", "ワルファリンK錠0.5mg", "华法林", "와파린", "Варфарин", "וורפרין", "βαρφαρίνη"),
    "coagulation_factor_ix": ("Immunine 600 IU",),
}
# What is near to a thiopurine and no name that is known: asked about.
ASKED = ("азатиоприна 50 мг", "имурана", "αζαθειοπρίνης 50 mg", "الأزاثيوبرين")
# Common medicines, some of them with letters of azathioprine in their names.
HARMLESS = (
    *("アジスロマイシン錠250mg", "アザセトロン", "イミプラミン", "ロイコボリン", "メルカゾール錠5mg", "エペリゾン錠"),
    *("阿奇霉素片", "硫酸镁", "丙硫氧嘧啶", "硫普罗宁", "苯溴马隆"),
    *("아지트로마이신", "이미프라민", "타이레놀정"),
    *("азитромицин 500 мг", "азафен", "мерказолил", "тиогамма", "иммунал", "рибоксин", "аллохол", "пуринол"),
    *("أزيثروميسين", "باراسيتامول", "لوسارتان"),
    *("אזיתרומיצין", "אזילקט", "אקמול"),
    *("αζιθρομυκίνη", "παρακεταμόλη"),
    *("آزیترومایسین", "لوپرامید"),
    *("อะซิโทรมัยซิน", "พาราเซตามอล"),
    *("एज़िथ्रोमाइसिन", "पैरासिटामोल"),
)


@pytest.mark.parametrize(("label", "medicine"), [(label, each) for each in LABELS for label in LABELS[each]])
def test_a_label_is_its_medicine(label: str, medicine: str) -> None:
    assert KNOWN.of_record(label).ingredients == (medicine,)


@pytest.mark.parametrize("label", ASKED)
def test_what_is_near_to_azathioprine_is_asked_about(label: str) -> None:
    found = KNOWN.of_record(label)
    assert not found.is_known
    assert found.may_be == "azathioprine"


@pytest.mark.parametrize("label", HARMLESS)
def test_another_medicine_raises_no_alarm(label: str) -> None:
    found = KNOWN.of_record(label)
    assert found.may_be is None
    assert not found.is_known


@pytest.mark.parametrize(
    ("system", "code", "medicine"),
    [
        (NDC, "68382-003-01", "azathioprine"),
        (NDC, "68382-0003-01", "azathioprine"),
        (NDC, "68382-003", "azathioprine"),
        (NDC, "68382000301", "azathioprine"),
        (NDC, "6838200301", "azathioprine"),
        ("urn:oid:2.16.840.1.113883.6.69", "00054458125", "mercaptopurine"),
        (NDC, "0054458125", "mercaptopurine"),
        (YJ, "3999005F1016", "azathioprine"),
        ("urn:oid:1.2.392.100495.20.2.73", "3943001f1015", "allopurinol"),
        ("urn:oid:1.2.392.100495.20.1.73", "4221001B1015", "mercaptopurine"),
        ("http://jpfhir.jp/fhir/core/CodeSystem/JP_JfagyMedicationAllergen_CS", "GCM3949003F1ZZZ", "febuxostat"),
    ],
)
def test_a_code_is_known_in_each_form(system: str, code: str, medicine: str) -> None:
    assert KNOWN.of_record(None, [Coding.of(system, code)]).ingredients == (medicine,)


@pytest.mark.parametrize(
    ("system", "code"),
    # Seven digits are another system's number; the others are those of no medicine that is known.
    [(YJ, "3999005"), (YJ, "9999999F1015"), (NDC, "6838299901"), (NDC, "68382"), (NDC, "")],
)
def test_a_part_of_a_code_is_none(system: str, code: str) -> None:
    assert not KNOWN.of_record(None, [Coding.of(system, code)]).is_known


def test_two_ingredients_of_one_japanese_code() -> None:
    found = KNOWN.of_record(None, [Coding.of(YJ, "6290100D1088")])
    assert set(found.ingredients) == {"trimethoprim", "sulfamethoxazole"}
