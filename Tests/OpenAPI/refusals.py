"""Everything that must be refused, with the right status and code."""

from samples import ANSWER, DECLINE, NOBODY, WITHDRAW, organ_code


def strangers(w):
    for path in ("/v1/requests", "/v1/events", "/v1/endpoints", "/v1/deliveries", "/v1/organs", f"/v1/requests/{NOBODY}"):
        w.call("no key", "GET", path, 401, code="unauthenticated")
        w.call("a wrong key", "GET", path, 401, key="not-a-key", code="unauthenticated")
    w.call("no key, submit", "POST", "/v1/requests", 401, body=w.body(), code="unauthenticated")
    w.call("no such request", "GET", f"/v1/requests/{NOBODY}", 404, key=w.requester, code="not-found")
    w.call("no such endpoint", "GET", f"/v1/endpoints/{NOBODY}", 404, key=w.requester, code="not-found")
    w.call("no such delivery", "POST", f"/v1/deliveries/{NOBODY}/retry", 404, key=w.requester, code="not-found")
    path = f"/v1/requests/{w.submit().json['id']}"
    for part in ("", "/timeline", "/deadline"):
        w.call("a stranger looks", "GET", path + part, 404, key=w.stranger, code="not-found")
    w.call("a stranger answers", "POST", path + "/answer", 404, key=w.stranger, body=ANSWER, code="not-found")
    w.call("no such route's method", "DELETE", "/v1/requests", 405, key=w.requester, code="method-not-allowed")


def roles(w):
    id = w.submit().json["id"]
    for verb, key, body in (
        ("acknowledge", w.requester, {}), ("answer", w.requester, ANSWER), ("decline", w.requester, DECLINE),
        ("withdraw", w.responder, WITHDRAW)):
        w.move(f"{verb} by the wrong party", id, verb, 403, key, body, code="forbidden")
    w.call("the operator submits", "POST", "/v1/requests", 403, key=w.operator, body=w.body(), code="forbidden")
    w.call("the operator reads", "GET", "/v1/requests", 403, key=w.operator, code="forbidden")


def malformed(w):
    for name, raw in (("cut short", b'{"item": '), ("no JSON", b"item=47"), ("empty", b""), ("not UTF-8", b'{"item": "\xff"}')):
        w.call(f"a body {name}", "POST", "/v1/requests", 400, key=w.requester, raw=raw, code="invalid-json")
    for name, path, query in (
        ("limit=0", "/v1/requests", {"limit": 0}), ("limit=501", "/v1/requests", {"limit": 501}),
        ("limit=many", "/v1/organs", {"limit": "many"}), ("a cursor of ours?", "/v1/requests", {"cursor": "!!"}),
        ("a cursor that was cut", "/v1/items", {"cursor": "1z"}), ("no such procedure", "/v1/requests", {"procedure": "lost"}),
        ("no such state", "/v1/requests", {"state": "lost"}), ("no such role", "/v1/requests", {"role": "boss"}),
        ("overdue=maybe", "/v1/requests", {"overdue": "maybe"}), ("no time", "/v1/requests", {"updatedAfter": "now"}),
        ("after=-1", "/v1/events", {"after": -1}), ("audience=boss", "/v1/inbox", {"audience": "boss"}), ("wait=61", "/v1/events", {"wait": 61}),
        ("no delivery state", "/v1/deliveries", {"state": "lost"})):
        w.call(name, "GET", path, 400, key=w.requester, query=query, code="invalid-parameter")
    id = w.submit().json["id"]
    w.call(
        "reveal=all", "GET", f"/v1/requests/{id}", 400, key=w.requester, query={"reveal": "all"}, code="invalid-parameter")
    long = {"Idempotency-Key": "k" * 256}
    w.call(
        "a key too long", "POST", "/v1/requests", 400, key=w.requester, body=w.body(), headers=long, code="invalid-parameter")


def transport(w):
    id = w.submit().json["id"]
    for name, tags in (("is stale", '"99"'), ("is weak", 'W/"1"'), ("is another's", '"stale", "2"'), ("is no tag", "one")):
        w.move(
            f"If-Match {name}", id, "acknowledge", 412, w.responder, {}, headers={"If-Match": tags},
            code="precondition-failed")
    vast = w.body(basis="依" * 100_000)
    w.call("a body over 256 KiB", "POST", "/v1/requests", 413, key=w.requester, body=vast, code="too-large")
    plain = {"Content-Type": "text/plain"}
    for path in ("/v1/requests", "/v1/endpoints", f"/v1/requests/{id}/answer"):
        key = w.responder if path.endswith("answer") else w.requester
        w.call(
            "not as JSON", "POST", path, 415, key=key, raw=b"{}", headers=plain, code="unsupported-media-type")


def faults(w):
    several = w.body(purpose="　 ", colour="red", questions=[])
    reply = w.call(
        "several faults", "POST", "/v1/requests", 422, key=w.requester, body=several, code="invalid-body", must=True)
    pointers = {fault["pointer"] for fault in reply.json["errors"]}
    w.that("every fault at once", {"/purpose", "/colour", "/questions"} <= pointers, pointers)
    person = w.body()["subject"]
    q = w.body()["questions"][0]
    for name, pointer, changes in (
        ("a bad check character", "/subject/idNumber", {"subject": {**person, "idNumber": "110105194912310021"}}),
        ("a bad organ code", "/to", {"to": "11320681014260292A"}),
        ("no purpose", "/purpose", {"purpose": None}),
        ("purpose too long", "/purpose", {"purpose": "长" * 4001}),
        ("signatory too long", "/signatory", {"signatory": "长" * 101}),
        ("basis too long", "/basis", {"basis": "长" * 4001}),
        ("a question twice", "/questions/1/id", {"questions": [q, q]}),
        ("a question blank", "/questions/0/text", {"questions": [{**q, "text": " "}]}),
        ("a date that is none", "/questions/0/asOf", {"questions": [{**q, "asOf": "2026-02-30"}]}),
        ("a number for a text", "/purpose", {"purpose": 7}),
        ("no such urgency", "/urgency", {"urgency": "at once"}),
        ("an unknown member within", "/subject/age", {"subject": {**person, "age": 77}})):
        reply = w.call(
            name, "POST", "/v1/requests", 422, key=w.requester, body=w.body(**changes), code="invalid-body", must=True)
        found = [fault["pointer"] for fault in reply.json["errors"]]
        w.that(f"{name}: the pointer", found == [pointer], f"{found}, wanted {[pointer]}")
    person = {**person, "idNumber": "1"}
    reply = w.call(
        "faults of shape and of meaning", "POST", "/v1/requests", 422, key=w.requester, code="invalid-body", must=True,
        body=w.body(subject=person, item="no-such-item", to=organ_code("99999999")))
    found = {fault["pointer"] for fault in reply.json["errors"]}
    w.that("both at once", found == {"/subject/idNumber", "/item", "/to"}, found)
    w.call("a list for a body", "POST", "/v1/requests", 422, key=w.requester, body=[], code="invalid-body")


def unknown_names(w):
    listed = {entry["item"] for entry in w.list if entry["requester"] == w.asking}
    items = w.call(
        "items", "GET", "/v1/items", 200, key=w.requester, query={"limit": 500}, must=True).json["items"]
    unlisted = next(item["code"] for item in items if item["code"] not in listed)
    for code, changes in (
        ("unknown-organ", {"to": organ_code("99999999")}), ("unknown-item", {"item": "no-such-item"}),
        ("unknown-procedure", {"procedure": "no-such-procedure"}), ("no-route", {"item": unlisted}),
        ("same-organ", {"to": w.asking})):
        w.call(code, "POST", "/v1/requests", 422, key=w.requester, body=w.body(**changes), code=code)


def order(w):
    """Who may not move a request is told so before what is wrong with the body."""
    id = w.submit().json["id"]
    stale = {"If-Match": '"9"'}
    w.move("a stranger's empty body", id, "answer", 404, w.stranger, {}, headers=stale, code="not-found")
    w.move("the wrong party's empty body", id, "answer", 403, w.requester, {}, headers=stale, code="forbidden")
    w.move("an empty body, stale", id, "answer", 412, w.responder, {}, headers=stale, code="precondition-failed")
    w.move("withdraw", id, "withdraw", 200, w.requester, WITHDRAW)
    w.move("an empty body, closed", id, "answer", 409, w.responder, {}, code="illegal-transition")


def bad_moves(w):
    id = w.submit().json["id"]
    finding = ANSWER["findings"][0]
    for name, verb, key, body in (
        ("no findings", "answer", w.responder, {**ANSWER, "findings": []}),
        ("a finding on nothing asked", "answer", w.responder, {**ANSWER, "findings": [{**finding, "question": "q9"}]}),
        ("no such result", "answer", w.responder, {**ANSWER, "findings": [{**finding, "result": "maybe"}]}),
        ("decline for no code", "decline", w.responder, {**DECLINE, "reasonCode": "busy"}),
        ("decline, all wrong", "decline", w.responder, {"reasonCode": "busy", "reason": "x"}),
        ("decline, blank reason", "decline", w.responder, {**DECLINE, "reason": "  "}),
        ("withdraw, no reason", "withdraw", w.requester, {}),
        ("acknowledge, unknown member", "acknowledge", w.responder, {"offcier": "李四"})):
        w.move(name, id, verb, 422, key, body, code="invalid-body")
    untouched = w.call("after all that", "GET", f"/v1/requests/{id}", 200, key=w.requester, must=True).json
    w.that(
        "refusals change nothing", (untouched["state"], untouched["version"]) == ("submitted", 1), untouched["state"])


SCENARIOS = [strangers, roles, malformed, transport, faults, unknown_names, order, bad_moves]
