"""One request's life: submitted, read, acknowledged, answered; others declined and withdrawn."""

import time

from samples import ANSWER, DECLINE, WITHDRAW, fresh


def submit(w):
    reply = w.submit("submit, routed by the list")
    made = reply.json
    at = f"/v1/requests/{made['id']}"
    w.that(
        "Location names the request", (reply.headers["Location"] or "").endswith(at), reply.headers["Location"])
    w.that("ETag is the version", reply.headers["ETag"] == f'"{made["version"]}"', reply.headers["ETag"])
    w.that("it goes to the obliged organ", made["to"]["code"] == w.asked, made["to"])
    w.that("the id number is masked", made["subject"]["idNumber"] != "11010519491231002X", made["subject"])
    w.submit("submit, naming the organ", to=w.asked, urgency="urgent", procedure="verification", data={})
    least = w.submit("submit, least", commitment=None, reason=None, reference=None, contact=None).json
    absent = [least[m] for m in ("commitment", "basis", "reason", "reference", "contact", "answer", "closedAt")]
    w.that("what was not given is null", absent == [None] * 7, absent)


def read(w):
    made = w.submit().json
    path = f"/v1/requests/{made['id']}"
    for who, key in (("requester", w.requester), ("responder", w.responder)):
        seen = w.call(f"get by the {who}", "GET", path, 200, key=key, must=True)
        w.that(f"the {who} sees the same", seen.json["id"] == made["id"], seen)
    known = {"If-None-Match": seen.headers["ETag"]}
    w.call("get, not modified", "GET", path, 304, key=w.requester, headers=known)
    started = time.monotonic()
    w.call("long poll without news", "GET", path, 304, key=w.requester, headers=known, query={"wait": 1})
    waited = time.monotonic() - started
    w.that("the long poll waits", 0.9 <= waited < 10, f"{waited:.2f} s")
    whole = w.call(
        "get, revealed", "GET", path, 200, key=w.responder, query={"reveal": "subject"}, must=True).json
    w.that("reveal shows the number", whole["subject"]["idNumber"] == "11010519491231002X", whole["subject"])
    w.call("who has read it", "GET", path + "/disclosures", 200, key=w.requester, query={"limit": 1})
    deadline = w.call("deadline", "GET", path + "/deadline", 200, key=w.responder, must=True).json
    counted = [day["date"] for day in deadline["explanation"] if day["counted"]]
    w.that("the deadline is the request's", deadline["date"] == made["due"]["date"], deadline["date"])
    w.that("it counts as many days", len(counted) == made["due"]["workingDays"], counted)
    w.that("the last day counted is the date", counted[-1:] == [deadline["date"]], counted)


def listing(w):
    made = w.submit().json
    query = {
        "role": "requester", "state": "submitted", "procedure": "verification", "overdue": "false", "limit": 500,
        "dueBefore": "2099-01-01", "updatedAfter": "2018-01-01T00:00:00+08:00", "subject": "11010519491231002X"}
    found = w.call(
        "list, every filter", "GET", "/v1/requests", 200, key=w.requester, query=query, must=True).json
    w.that("it is listed", made["id"] in [r["id"] for r in found["items"]], [r["id"] for r in found["items"]])
    other = w.call(
        "list, the other role", "GET", "/v1/requests", 200, key=w.responder,
        query={"role": "requester", "limit": 500}, must=True).json
    w.that("role tells apart", made["id"] not in [r["id"] for r in other["items"]], "listed for the wrong role")
    page = w.call("list, one", "GET", "/v1/requests", 200, key=w.requester, query={"limit": 1}, must=True).json
    w.call(
        "list, next", "GET", "/v1/requests", 200, key=w.requester, query={"limit": 1, "cursor": page["next"]})
    mine = w.call(
        "a stranger's list", "GET", "/v1/requests", 200, key=w.stranger, query={"limit": 500}, must=True)
    w.that("strangers are not shown it", made["id"] not in mine.text, "listed for a stranger")


def answer(w):
    request = w.submit()
    id, match = request.json["id"], {"If-Match": request.headers["ETag"]}
    seen = w.move(
        "acknowledge", id, "acknowledge", 200, w.responder, {"officer": "李四"}, headers=match, must=True).json
    w.that(
        "acknowledged", (seen["state"], seen["version"]) == ("acknowledged", 2), (seen["state"], seen["version"]))
    w.that("acknowledging keeps the deadline", seen["due"]["at"] == request.json["due"]["at"], seen["due"])
    done = w.move("answer", id, "answer", 200, w.responder, ANSWER, must=True).json
    w.that("answered in time", (done["state"], done["due"]["status"]) == ("answered", "met"), done["due"])
    w.that("not late", done["answer"]["late"] is False and done["closedAt"], done["answer"])
    events = w.call(
        "timeline", "GET", f"/v1/requests/{id}/timeline", 200, key=w.requester, must=True).json["items"]
    types = [event["type"] for event in events]
    wanted = ["request.submitted", "request.acknowledged", "request.answered"]
    w.that("the timeline tells all of it", types == wanted, types)
    seqs = [event["seq"] for event in events]
    w.that("in order", seqs == sorted(seqs), seqs)
    w.that("by whom", [e["actor"].get("code") for e in events] == [w.asking, w.asked, w.asked], events)
    for verb, key, body, way in (
        ("withdraw", w.requester, WITHDRAW, ["close"]), ("decline", w.responder, DECLINE, [])):
        late = w.move(
            f"{verb} when answered", id, verb, 409, key, body, code="illegal-transition", must=True).json
        w.that("it says the state and the way on", (late["state"], late["allowed"]) == ("answered", way), late)


def other_ends(w):
    id = w.submit().json["id"]
    w.call("acknowledge without a body", "POST", f"/v1/requests/{id}/acknowledge", 200, key=w.responder)
    again = w.move(
        "acknowledge twice", id, "acknowledge", 409, w.responder, {}, code="illegal-transition", must=True)
    w.that("an answer is still allowed", "answer" in again.json["allowed"], again)
    body = {**DECLINE, "competentOrgan": w.third}
    declined = w.move("decline", id, "decline", 200, w.responder, body, must=True).json
    w.that("declined", declined["state"] == "declined" and declined["decline"], declined["decline"])
    id = w.submit().json["id"]
    withdrawn = w.move("withdraw", id, "withdraw", 200, w.requester, WITHDRAW, must=True).json
    w.that("withdrawn", withdrawn["withdrawal"]["reason"] == WITHDRAW["reason"], withdrawn["withdrawal"])
    for result in ("partly", "contradicted", "no-record"):
        finding = {**ANSWER["findings"][0], "result": result, "note": "档案未电子化"}
        id = w.submit().json["id"]
        w.move(f"answer {result}", id, "answer", 200, w.responder, {"findings": [finding], "signatory": "王五"})


def idempotency(w):
    key, path = {"Idempotency-Key": fresh()}, "/v1/requests"
    first = w.call(
        "submit with a key", "POST", path, 201, key=w.requester, body=w.body(), headers=key, must=True)
    again = w.call("the same again", "POST", path, 201, key=w.requester, body=w.body(), headers=key, must=True)
    w.that("the same body", first.json == again.json, again)
    w.that("said to be replayed", again.headers.get("Idempotency-Replayed") == "true", dict(again.headers))
    w.that("the first is not", first.headers.get("Idempotency-Replayed") is None, dict(first.headers))
    other = w.body(purpose="另一用途")
    w.call(
        "the same key, another body", "POST", path, 422, key=w.requester, body=other, headers=key,
        code="idempotency-conflict")
    id, key = first.json["id"], {"Idempotency-Key": fresh()}
    one = w.move("answer with a key", id, "answer", 200, w.responder, ANSWER, headers=key, must=True)
    two = w.move("the same answer again", id, "answer", 200, w.responder, ANSWER, headers=key, must=True)
    w.that("answered once", one.json == two.json and two.headers.get("Idempotency-Replayed") == "true", two)


SCENARIOS = [submit, read, listing, answer, other_ends, idempotency]
