"""In rehearsal mode: past a deadline, and what the clock records there. Otherwise: refused."""

import datetime

from samples import ANSWER

PATH = "/v1/rehearsal/advance"


def clock(w):
    if not w.rehearsing:
        w.call(
            "advance outside rehearsal", "POST", PATH, 404, key=w.operator, body={"to": "2099-01-01T00:00:00+08:00"}, code="not-found")
        return
    made = w.submit().json
    late = datetime.datetime.fromisoformat(made["due"]["at"]) + datetime.timedelta(days=14)
    to = {"to": late.isoformat()}
    w.call("advance by an organ", "POST", PATH, 403, key=w.requester, body=to, code="forbidden")
    w.call(
        "advance to the past", "POST", PATH, 422, key=w.operator, body={"to": "2018-01-01T00:00:00+08:00"}, code="invalid-body")
    moved = w.call("advance", "POST", PATH, 200, key=w.operator, body=to, must=True).json
    w.that("the clock is there", datetime.datetime.fromisoformat(moved["now"]) >= late, moved)
    path = f"/v1/requests/{made['id']}"
    missed = w.call("overdue", "GET", path, 200, key=w.requester, must=True).json["due"]
    w.that("missed", (missed["overdue"], missed["status"]) == (True, "missed"), missed)
    found = w.call(
        "list overdue", "GET", "/v1/requests", 200, key=w.responder, query={"overdue": "true", "limit": 500}, must=True)
    w.that("listed as overdue", made["id"] in found.text, "not listed")
    events = w.call(
        "timeline, overdue", "GET", path + "/timeline", 200, key=w.requester, must=True).json["items"]
    types = [event["type"] for event in events]
    wanted = {"request.due-soon", "request.overdue", "request.escalated"}
    w.that("the clock's rungs", wanted <= set(types), types)
    w.that(
        "each rung but due-soon once", types.count("request.overdue") == types.count("request.escalated") == 1, types)
    actors = {event["actor"]["kind"] for event in events if event["type"] in wanted}
    w.that("recorded as the clock's", actors == {"clock"}, actors)
    told = w.call(
        "inbox, of the leader", "GET", "/v1/inbox", 200, key=w.responder, query={"audience": "leader", "limit": 500},
        must=True).json["items"]
    mine = [notice for notice in told if notice["request"] == made["id"]]
    w.that(
        "the leader is told of each rung once, at nine",
        [(n["rung"], n["at"][11:16]) for n in mine] == [("T", "09:00"), ("T+1", "09:00")], mine)
    answered = w.move("answer late", made["id"], "answer", 200, w.responder, ANSWER, must=True).json
    w.that(
        "late", answered["answer"]["late"] is True and answered["due"]["status"] == "missed", answered["answer"])


SCENARIOS = [clock]
