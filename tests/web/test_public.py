"""The pages that anyone may open: home, guides, daily life, the medicines check, protocols."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from azaward.guides.library import library
from azaward.knowledge import load
from azaward.knowledge.loading.advice import topics
from azaward.store import Store
from azaward.store.care import acts, reassess
from azaward.store.care.acts import Actor
from azaward.store.schema import assessments, audit, clinics
from tests.web.clinic_room import TODAY, app_of, signed_in

KNOWLEDGE = load()
HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'{{7*7}}"
JSON = {"accept": "application/json"}


@pytest.fixture(scope="module")
def open_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path_factory.mktemp('public') / 'store.db'}")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def app(open_store: Store) -> Any:
    return app_of(open_store)


@pytest.fixture
def anyone(app: Any) -> TestClient:
    return TestClient(app)


class _Tags(HTMLParser):
    """Every element of a page with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def keeps_to_the_policy(page: str) -> None:
    """No script, style or handler stands in the page itself: the content security policy would drop it."""
    for tag, attributes in _Tags(page).found:
        assert tag != "style"
        assert tag != "script" or attributes.get("src", "") != "", attributes
        assert not [name for name in attributes if name == "style" or name.startswith("on")], (tag, attributes)


def words_of(page: str) -> str:
    """What a reader sees."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_home_leads_everybody_to_the_three_doors_and_says_what_it_is_not(anyone: TestClient, app: Any) -> None:
    page = anyone.get("/").text
    for door in ("/guides", "/advise", "/check", "/sign-in", "/protocols"):
        assert f'href="{door}"' in page
    assert "not a certified medical device" in page
    assert 'href="/worklist"' not in page
    assert 'href="/worklist"' in signed_in(app, "nurse@one", "nurse").get("/").text
    keeps_to_the_policy(page)


def test_every_guide_is_a_page_a_pdf_and_json_and_keeps_to_the_policy(anyone: TestClient) -> None:
    listed = anyone.get("/guides", headers=JSON).json()
    assert [one["id"] for one in listed] == [guide.id for guide in library().guides]
    page = anyone.get("/guides").text
    for guide in library().guides:
        assert f'href="/guides/{guide.id}"' in page
        shown = anyone.get(f"/guides/{guide.id}")
        keeps_to_the_policy(shown.text)
        for number in range(1, len(guide.body(KNOWLEDGE).sources) + 1):
            assert f'id="{guide.id}-source-{number}"' in shown.text
    one = anyone.get("/guides/missed-dose", headers=JSON).json()
    assert set(one) == {"id", "title", "topic", "question", "body", "sources", "reviewed_on", "reading_grade"}
    printed = anyone.get("/guides/missed-dose.pdf")
    assert printed.headers["content-type"] == "application/pdf"
    assert printed.content.startswith(b"%PDF-")


def test_everyday_words_find_a_guide_and_words_that_nothing_holds_say_so(anyone: TestClient) -> None:
    found = anyone.get("/guides", params={"words": "forgot my pill"}, headers=JSON).json()
    assert found[0]["id"] == "missed-dose"
    none = anyone.get("/guides", params={"words": "zzqqxx"}).text
    assert "No guide holds any of these words: zzqqxx" in none
    assert anyone.get("/guides", params={"words": "ə ɪ 青 \u202e\x00"}).status_code == 200
    assert anyone.get("/guides", params={"words": '" OR NEAR( *'}).status_code == 200
    assert anyone.get("/guides", params={"words": "x" * 201}).status_code == 422


def test_a_guide_that_is_not_there_leads_to_the_nearest(anyone: TestClient) -> None:
    answer = anyone.get("/guides/mised-dose")
    assert answer.status_code == 404
    assert 'href="/guides/missed-dose"' in answer.text
    assert anyone.get("/guides/mised-dose", headers=JSON).json()["near"][0] == "missed-dose"
    assert anyone.get("/guides/mised-dose.pdf").status_code == 404


@pytest.mark.parametrize("path", ["/guides/{}", "/advise/{}", "/protocols/{}"])
@pytest.mark.parametrize(
    "name", ["no-such-thing", "%00", "%E2%80%AE", "..%2F..", "x" * 3000, "<script>", "%F0%9F%A6%8A"]
)
def test_what_is_not_there_is_a_page_that_says_so(anyone: TestClient, path: str, name: str) -> None:
    answer = anyone.get(path.format(name))
    assert answer.status_code == 404
    assert "<script>" not in answer.text.replace("<script src", "")
    assert not re.search("[\x00-\x08\u202a-\u202e]", answer.text)


def test_every_topic_asks_its_own_questions_and_answers_at_once(anyone: TestClient) -> None:
    overview = anyone.get("/advise").text
    for topic in topics(KNOWLEDGE).values():
        assert f'href="/advise/{topic.id}"' in overview
        page = anyone.get(f"/advise/{topic.id}")
        assert page.status_code == 200
        keeps_to_the_policy(page.text)
        for question in topic.questions:
            assert f'name="{question.fact}"' in page.text
            assert question.text.replace("'", "&#39;").replace('"', "&#34;") in page.text
        assert 'id="answer"' in page.text


def test_what_is_not_known_gets_the_cautious_answer_and_names_what_would_change_it(anyone: TestClient) -> None:
    nothing = anyone.post("/advise/fever", data={"signs": [], "temperature": ""}, headers=JSON).json()
    assert nothing["urgency"] == "emergency"
    page = anyone.post("/advise/fever", data={"temperature": "37.5", "signs": ["sore-throat"]}).text
    assert "We do not know enough to be sure" in page
    assert 'href="#ask-neutrophils"' in page
    known = {"temperature": "37.5", "signs": ["sore-throat"], "neutrophils": "4.1", "antibiotics": "no"}
    told = anyone.post("/advise/fever", data=known, headers=JSON).json()
    assert (told["unknown"], told["asked"]["signs"]) == ([], ["sore-throat"])
    assert told["urgency"] != "emergency"


def test_the_most_urgent_line_stands_first(anyone: TestClient) -> None:
    page = anyone.post("/advise/fever", data={"temperature": "39", "signs": ["confused"]}).text
    answer = words_of(page[page.index('id="answer"') :])
    assert "Call an ambulance now" in answer
    urgencies = re.findall(r'<li class="told u-([\w-]+)', page)
    assert urgencies == sorted(urgencies, key=("emergency", "same-day", "this-week", "routine", "info").index)


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"temperature": "101"}, "Is it in F"),
        ({"temperature": "warm"}, "expected a number in °C"),
        ({"temperature": "9" * 500}, "500 characters"),
        ({"signs": ["none", "confused"]}, "both &#39;none&#39; and confused"),
        ({"signs": "dancing"}, "expected one of: none"),
        ({"no_such_fact": "1"}, "asks nothing called"),
        ({"temperature": ["38", "39"]}, "answered 2 times"),
    ],
)
def test_an_answer_that_cannot_be_used_is_one_line_and_gives_no_advice(
    anyone: TestClient, typed: dict[str, Any], says: str
) -> None:
    answer = anyone.post("/advise/fever", data=typed)
    assert answer.status_code == 422
    assert says in answer.text
    assert 'id="answer"' not in answer.text
    as_json = anyone.post("/advise/fever", data=typed, headers=JSON)
    assert (as_json.status_code, list(as_json.json())) == (422, ["error"])


def test_what_was_typed_stays_in_the_form(anyone: TestClient) -> None:
    page = anyone.post("/advise/fever", data={"temperature": "101", "signs": ["cough"], "antibiotics": "yes"}).text
    assert 'value="101"' in page
    assert re.search(r'value="cough" checked', page)
    assert re.search(r'name="antibiotics" value="yes" checked', page)


def test_the_check_says_what_does_not_go_together_why_and_where_it_was_read(anyone: TestClient) -> None:
    typed = {"medicines": "Zyloric 300mg tabs\r\n\r\nno such thing at all", "tpmt": "poor", "dose": "150"}
    page = anyone.post("/check", data=typed).text
    assert "Allopurinol makes azathioprine much stronger" in page
    assert "25% of the usual one" in page
    assert "Xanthine oxidase" in page
    assert "Azathioprine-allopurinol interaction: danger!" in page
    assert re.search(r'role="alert"><strong>Not checked:</strong> <bdi>no such thing at all', page)
    assert page.index("Zyloric 300mg tabs</bdi>") < page.index("<h3><bdi>no such thing at all")
    found = anyone.post("/check", data=typed, headers=JSON).json()
    assert set(found) >= {"on", "medicines", "findings"}
    assert found["medicines"][1]["matches"] == []
    assert found["medicines"][1]["findings"][0]["code"] == "name_unknown"
    keeps_to_the_policy(page)


def test_the_persons_facts_change_what_is_found(anyone: TestClient) -> None:
    plain = anyone.post("/check", data={"medicines": "ibuprofen"}, headers=JSON).json()["findings"]
    facts = {"medicines": "ibuprofen", "tpmt": "poor", "pregnant": "yes", "egfr": "20", "dose": "150", "weight": "70,5"}
    told = anyone.post("/check", data=facts, headers=JSON).json()["findings"]
    assert {one["rule"] for one in told} > {one["rule"] for one in plain}


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"medicines": ""}, "Type one a line"),
        ({"medicines": "\n \t\n"}, "Type one a line"),
        ({"medicines": "\n".join(f"name{number}" for number in range(10_000))}, "10000 names; at most 200"),
        ({"medicines": "a\n" + "x" * 301}, "line 2: 301 characters; at most 300"),
        ({"medicines": "a", "on": "bread"}, "expected a medicine that rows are held about"),
        ({"medicines": "a", "on": "x" * 10_000}, "10000 characters"),
        ({"medicines": "a", "weight": "7000"}, "expected a number"),
        ({"medicines": "a", "weight": "nan"}, "expected a number"),
        ({"medicines": "a", "dose": "0"}, "above nothing"),
        ({"medicines": "a", "dose": "1e999"}, "expected a number"),
        ({"medicines": "a", "age": "33.5"}, "whole years"),
        ({"medicines": "a", "sex": "yes"}, "expected female or male"),
        ({"medicines": "a", "tpmt": "blue"}, "TPMT"),
        ({"medicines": "a", "indication": "boredom"}, "Choose one of the list"),
        ({"medicines": "a", "pregnant": "maybe"}, "expected yes or no"),
    ],
)
def test_what_cannot_be_checked_is_one_line_and_checks_nothing(
    anyone: TestClient, typed: dict[str, str], says: str
) -> None:
    answer = anyone.post("/check", data=typed)
    assert answer.status_code == 422
    assert says in answer.text
    assert "Nothing was checked." in answer.text
    assert 'id="result"' not in answer.text
    assert len(anyone.post("/check", data=typed, headers=JSON).json()["error"]) < 1_000


def test_two_hundred_names_are_checked(anyone: TestClient) -> None:
    names = "\n".join(row.name for row in KNOWLEDGE.tables["medicines"][:200])
    found = anyone.post("/check", data={"medicines": names}, headers=JSON).json()
    assert len(found["medicines"]) == 200


def test_other_alphabets_and_hostile_text_stay_text(anyone: TestClient) -> None:
    names = [HOSTILE, "Азатиоприн", "硫唑嘌呤", "آلوپورينول", "a\u202eb\x00\x1bc", "🦊"]
    page = anyone.post("/check", data={"medicines": "\n".join(names)}).text
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "硫唑嘌呤" in page
    assert not re.search("[\x00-\x08\x1b\u202a-\u202e]", page)
    keeps_to_the_policy(page)
    for shown in (
        anyone.post("/advise/vaccine", data={"name": HOSTILE}).text,
        anyone.get("/guides", params={"words": HOSTILE}).text,
    ):
        assert "<script>alert" not in shown
        assert "alert(1)" in shown
        keeps_to_the_policy(shown)


def test_many_at_once_are_answered_each_with_their_own(anyone: TestClient) -> None:
    names = [row.name for row in KNOWLEDGE.tables["medicines"]]
    lists = [names[start : start + 150] for start in range(0, 1_200, 150)]

    def ask(typed: list[str]) -> Any:
        return anyone.post("/check", data={"medicines": "\n".join(typed)}, headers=JSON)

    alone = [ask(typed).json() for typed in lists]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, lists * 4))
    assert [one.status_code for one in answers] == [200] * len(answers)
    assert [one.json() for one in answers] == alone * 4


def test_nothing_that_strangers_type_is_kept_or_put_into_an_address(anyone: TestClient, open_store: Store) -> None:
    with open_store.read() as connection:
        before = connection.execute(sa.select(sa.func.count()).select_from(audit)).scalar_one()
    answer = anyone.post("/check", data={"medicines": "a secret medicine"}, follow_redirects=False)
    assert answer.status_code == 200
    for path in ("/check", "/advise/pregnancy"):
        forms = [each for tag, each in _Tags(anyone.get(path).text).found if tag == "form"]
        assert forms
        assert all(form["method"] == "post" for form in forms)
    with open_store.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(audit)).scalar_one() == before


def test_a_signed_in_browser_sends_its_own_token_with_the_forms(app: Any) -> None:
    nurse = signed_in(app, "token@one", "nurse")
    csrf = nurse.headers.pop("x-csrf-token")
    assert nurse.post("/check", data={"medicines": "ibuprofen"}).status_code == 403
    assert f'name="csrf" value="{csrf}"' in nurse.get("/check").text
    assert nurse.post("/check", data={"medicines": "ibuprofen", "csrf": csrf}).status_code == 200
    assert f'name="csrf" value="{csrf}"' in nurse.get("/advise/fever").text
    assert nurse.post("/advise/fever", data={"temperature": "38", "csrf": csrf}).status_code == 200


def test_every_protocol_is_a_page_with_each_limit_and_its_source(anyone: TestClient) -> None:
    overview = anyone.get("/protocols").text
    for protocol in KNOWLEDGE.protocols.values():
        assert f'href="/protocols/{protocol.id}"' in overview
        page = anyone.get(f"/protocols/{protocol.id}").text
        rows = sum(len(one) for one in protocol.lists.values())
        assert page.count('data-label="Read in"') == rows
        keeps_to_the_policy(page)
        held = anyone.get(f"/protocols/{protocol.id}", headers=JSON).json()
        assert len(held["limits"]) == len(protocol.lists["limits"])
    assert "below 3.5 ×10⁹/L" in anyone.get("/protocols/sps-nhs").text
    assert "This clinic goes by" not in overview


def test_only_an_administrator_chooses_the_clinics_protocol(app: Any, open_store: Store) -> None:
    nurse, boss = signed_in(app, "nurse@two", "nurse", "two"), signed_in(app, "boss@two", "administrator", "two")
    assert "This clinic goes by" in nurse.get("/protocols").text
    assert 'action="/protocols/chosen"' not in nurse.get("/protocols").text
    assert nurse.post("/protocols/chosen", data={"protocol": "us-label"}).status_code == 403
    assert TestClient(app).post("/protocols/chosen", data={"protocol": "us-label"}, headers=JSON).status_code == 401
    assert 'action="/protocols/chosen"' in boss.get("/protocols").text
    refused = boss.post("/protocols/chosen", data={"protocol": "homemade"}, headers=JSON)
    assert refused.status_code == 400
    assert "Expected one of: auto, most-cautious" in refused.json()["error"]
    with open_store.read() as connection:
        assert connection.execute(sa.select(clinics.c.protocol).where(clinics.c.id == "two")).scalar_one() == "auto"


def test_another_protocol_assesses_everyone_of_the_clinic_and_nobody_else(app: Any, open_store: Store) -> None:
    boss = signed_in(app, "boss@three", "administrator", "three")
    signed_in(app, "boss@four", "administrator", "four")
    for clinic in ("three", "four"):
        rows = [{"patient_id": f"{clinic}-{number}", "indication": "crohns_disease"} for number in range(5)]
        acts.add_rows(open_store, Actor("test", clinic, TODAY), {"patients": rows}, KNOWLEDGE)
    done = boss.post("/protocols/chosen", data={"protocol": "us-label"}, headers=JSON).json()
    assert (done["protocol"], done["assessed"]) == ("us-label", 5)
    with open_store.read() as connection:
        for clinic, expected in (("three", {"us-label"}), ("four", {"bsg-2019"})):
            ids = connection.scalars(sa.select(assessments.c.patient_id).where(assessments.c.clinic_id == clinic))
            held = [reassess.of_patient(connection, clinic, one) for one in ids.all()]
            assert {one[0].protocol for one in held if one} == expected
        entry = connection.execute(sa.select(audit).where(audit.c.action == "choose protocol")).one()
    assert (entry.actor, entry.clinic_id) == ("boss@three", "three")
    assert '"to": "us-label"' in entry.detail
    assert boss.post("/protocols/chosen", data={"protocol": "us-label"}, headers=JSON).json()["assessed"] == 0


def test_the_style_of_these_pages_is_one_file_of_this_server(anyone: TestClient) -> None:
    for path in ("/", "/guides", "/guides/missed-dose", "/advise", "/advise/fever", "/check", "/protocols"):
        links = [each["href"] for tag, each in _Tags(anyone.get(path).text).found if tag == "link"]
        assert "/static/reading.css" in links
        assert all(str(link).startswith("/") for link in links)
        assert all(anyone.get(str(link)).status_code == 200 for link in links)
