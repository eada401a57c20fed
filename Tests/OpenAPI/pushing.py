"""The feed, endpoints, callbacks to a local receiver, deliveries."""

import time

from samples import NOBODY, fresh
from sink import Sink, body_of, signature_faults


def feed(w):
    after = 0
    while True:  # To the end of the feed as it stands.
        page = w.call(
            "feed", "GET", "/v1/events", 200, key=w.requester, query={"after": after, "limit": 500}, must=True).json
        if not page["items"]:
            break
        after = page["next"]
        w.that("next is the last seq", after == page["items"][-1]["seq"], after)
    w.that("an empty page keeps the place", page["next"] == after, page)
    started = time.monotonic()
    w.call(
        "feed, long poll", "GET", "/v1/events", 200, key=w.requester, query={"after": after, "wait": 1}, must=True)
    w.that("the feed waits", 0.9 <= time.monotonic() - started < 10, "answered at once")
    made = w.submit().json["id"]
    for who, key in (("requester", w.requester), ("responder", w.responder)):
        page = w.call(
            "feed, news", "GET", "/v1/events", 200, key=key, query={"after": after, "wait": 5}, must=True).json
        seen = [(event["type"], event["request"]) for event in page["items"]]
        w.that(f"the {who} is told", ("request.submitted", made) in seen, seen)
    page = w.call("feed, stranger", "GET", "/v1/events", 200, key=w.stranger, query={"after": after}, must=True)
    w.that("a stranger is not", made not in page.text, "told a stranger")
    inbox = w.call("inbox", "GET", "/v1/inbox", 200, key=w.responder, query={"after": 0, "limit": 500}, must=True).json
    seqs = [notice["seq"] for notice in inbox["items"]]
    w.that("the inbox is in order", seqs == sorted(seqs), seqs)


def endpoints(w):
    bad = (("no url", {}), ("a url that is none", {"url": "oa"}), ("ftp", {"url": "ftp://oa.example.gov.cn/"}),
           ("no such event", {"url": "http://127.0.0.1:9/", "events": ["request.lost"]}),
           ("v1sm3 alone", {"url": "http://127.0.0.1:9/", "signatures": ["v1sm3"]}),
           ("no certificate", {"url": "http://127.0.0.1:9/", "tls": {"ca": "none"}}),
           ("an unknown member", {"url": "http://127.0.0.1:9/", "secret": "mine"}))
    for name, body in bad:
        w.call(
            f"endpoint, {name}", "POST", "/v1/endpoints", 422, key=w.requester, body=body, code="invalid-body")
    body, key = {"url": "http://127.0.0.1:9/closed", "events": ["request.answered"]}, {"Idempotency-Key": fresh()}
    reply = w.call(
        "create endpoint", "POST", "/v1/endpoints", 201, key=w.requester, body=body, headers=key, must=True)
    again = w.call(
        "create it again", "POST", "/v1/endpoints", 201, key=w.requester, body=body, headers=key, must=True)
    w.that("created once", again.json["id"] == reply.json["id"], again)
    made = reply.json
    path = f"/v1/endpoints/{made['id']}"
    w.that("defaults", (made["body"], made["enabled"]) == ("thin", True), made)
    w.that("default form", (made["signatures"], made["format"], made["tls"]) == (["v1"], "standard", None), made)
    seen = w.call("get endpoint", "GET", path, 200, key=w.requester, must=True).json
    w.that("the secret is shown once", "secret" not in seen, list(seen))
    found = w.call(
        "list endpoints", "GET", "/v1/endpoints", 200, key=w.requester, query={"limit": 500}, must=True).json
    w.that("it is listed", made["id"] in [e["id"] for e in found["items"]], found)
    w.call("another's endpoint", "GET", path, 404, key=w.responder, code="not-found")
    failed = w.call("test, nobody listening", "POST", path + "/test", 200, key=w.requester, must=True).json
    w.that("not delivered, and why", failed["delivered"] is False and failed["error"], failed)
    off = w.call(
        "disable", "PATCH", path, 200, key=w.requester, body={"enabled": False, "description": "停用"}, must=True).json
    w.that("disabled", (off["enabled"], off["description"]) == (False, "停用"), off)
    w.call(
        "patch, unknown member", "PATCH", path, 422, key=w.requester, body={"enable": True}, code="invalid-body")
    turned = w.call("rotate", "POST", path + "/rotate", 200, key=w.requester, must=True).json
    w.that("another secret", turned["secret"] != made["secret"] and turned["secretRotatedAt"], turned)
    w.call("replay, no place", "POST", path + "/replay", 422, key=w.requester, body={}, code="invalid-body")
    w.call(
        "replay, two places", "POST", path + "/replay", 422, key=w.requester,
        body={"after": 0, "since": "2026-01-01T00:00:00+08:00"}, code="invalid-body")
    w.call(
        "replay since", "POST", path + "/replay", 202, key=w.requester, body={"since": "2020-01-01T00:00:00+08:00"}, must=True)
    some = {"endpoint": made["id"], "state": "dead"}
    none = w.call("retry all dead", "POST", "/v1/deliveries/retry", 202, key=w.requester, body=some, must=True).json
    w.that("none is dead", none == {"queued": 0, "more": False}, none)
    w.call("retry all of another", "POST", "/v1/deliveries/retry", 404, key=w.responder, body=some, code="not-found")
    w.call(
        "retry all, not dead", "POST", "/v1/deliveries/retry", 422, key=w.requester,
        body={**some, "state": "pending"}, code="invalid-body")
    w.call("call list, operator", "GET", "/v1/deliveries/call-list", 200, key=w.operator, must=True)
    w.call("call list, an organ", "GET", "/v1/deliveries/call-list", 403, key=w.responder, code="forbidden")
    w.call("delete by another", "DELETE", path, 404, key=w.responder, code="not-found")
    w.call("delete endpoint", "DELETE", path, 204, key=w.requester)
    w.call("it is gone", "GET", path, 404, key=w.requester, code="not-found")


def callbacks(w):
    sink, made = Sink(), {}
    try:
        for kind in ("thin", "full"):
            body = {"url": sink.url(f"/{kind}"), "body": kind, "events": ["*"]}
            made[kind] = w.call(
                f"{kind} endpoint", "POST", "/v1/endpoints", 201, key=w.responder, body=body, must=True).json
        deliver(w, sink, made)
        cloud_event(w, sink, made["thin"])
        settle(w, sink, made["thin"])
    finally:
        for endpoint in made.values():
            w.call("delete endpoint", "DELETE", f"/v1/endpoints/{endpoint['id']}", 204, key=w.responder)
        sink.close()


def deliver(w, sink, made):
    tried = w.call(
        "test", "POST", f"/v1/endpoints/{made['thin']['id']}/test", 200, key=w.responder, must=True).json
    w.that("the test arrives", (tried["delivered"], tried["status"]) == (True, 204), tried)
    for headers, raw in sink.wait("/thin", lambda got: got, 5)[:1]:
        w.tally.record("the test callback", w.contract.callback_faults("endpointTest", headers, body_of(raw)))
        w.tally.record("its signature", signature_faults(headers, raw, [made["thin"]["secret"]]))
    request = w.submit().json
    w.move("acknowledge", request["id"], "acknowledge", 200, w.responder, {})
    for kind, endpoint in made.items():
        def about(got):
            return [(h, raw) for h, raw in got if (((body_of(raw) or {}).get("data") or {}).get("request")) == request["id"]]
        got = about(sink.wait(f"/{kind}", lambda got: len(about(got)) >= 2))
        types = [body_of(raw)["type"] for _, raw in got]
        w.that(f"{kind}: in order", types[:2] == ["request.submitted", "request.acknowledged"], types)
        for headers, raw in got:
            w.tally.record(f"{kind} callback", w.contract.callback_faults("requestEvent", headers, body_of(raw)))
            w.tally.record(f"{kind} signature", signature_faults(headers, raw, [endpoint["secret"]]))
            data = body_of(raw)["data"]
            w.that(f"{kind} is {kind}", ("subject" in data) == (kind == "full"), list(data))
            w.that(
                f"{kind}: as of the event", data["state"] == body_of(raw)["type"].split(".")[1], data["state"])


def cloud_event(w, sink, endpoint):
    path = f"/v1/endpoints/{endpoint['id']}"
    form = {"format": "cloudevents", "signatures": ["v1", "v1sm3"]}
    w.call("as CloudEvents", "PATCH", path, 200, key=w.responder, body=form, must=True)
    before, request = len(sink.wait("/thin", lambda got: True)), w.submit().json
    for headers, raw in sink.wait("/thin", lambda got: len(got) > before)[before:before + 1]:
        w.tally.record("cloud event", w.contract.callback_faults("cloudEvent", headers, body_of(raw)))
        w.tally.record("its signature", signature_faults(headers, raw, [endpoint["secret"]]))
        w.that("its subject", headers.get("ce-subject") == request["id"], dict(headers))
        w.that("its second signature", " v1sm3," in headers.get("webhook-signature", ""), dict(headers))
    form = {"format": "standard", "signatures": ["v1"], "tls": None}
    w.call("as before", "PATCH", path, 200, key=w.responder, body=form, must=True)


def settle(w, sink, endpoint):
    query, path = {"endpoint": endpoint["id"], "limit": 500}, "/v1/deliveries"
    for _ in range(50):
        done = w.call(
            "deliveries", "GET", path, 200, key=w.responder, query={**query, "state": "delivered"}, must=True).json
        if len(done["items"]) >= 2:
            break
        time.sleep(0.1)
    w.that("deliveries are settled", len(done["items"]) >= 2, done)
    for state in ("pending", "dead"):
        w.call(f"deliveries, {state}", "GET", path, 200, key=w.responder, query={**query, "state": state})
    top = w.call("outbox top", "GET", "/v1/outbox/top", 200, key=w.operator, query={"limit": 500}, must=True).json
    mine = [row for row in top["items"] if row["endpoint"] == endpoint["id"]]
    w.that("outbox top shows it", len(mine) == 1 and mine[0]["breaker"]["state"] == "closed", mine)
    w.that("its attempts are counted", mine and mine[0]["recentAttempts"] >= 2 and mine[0]["successRatio"] == 1, mine)
    w.call("outbox top, an organ", "GET", "/v1/outbox/top", 403, key=w.responder, code="forbidden")
    one = done["items"][0]["id"]
    seen = w.call("get delivery", "GET", f"{path}/{one}", 200, key=w.responder, must=True).json
    w.that("its attempt is told", [a["status"] for a in seen["history"]] == [204], seen["history"])
    w.that("where it went", seen["history"][0]["remoteAddress"] == "127.0.0.1", seen["history"])
    w.call("get another's delivery", "GET", f"{path}/{one}", 404, key=w.stranger, code="not-found")
    w.call("another's delivery", "POST", f"{path}/{one}/retry", 404, key=w.stranger, code="not-found")
    before = len(sink.wait("/thin", lambda got: True))
    w.call("retry", "POST", f"{path}/{one}/retry", 202, key=w.responder, must=True)
    w.that("the retry arrives", len(sink.wait("/thin", lambda got: len(got) > before)) > before, "nothing came")
    turned = w.call(
        "rotate", "POST", f"/v1/endpoints/{endpoint['id']}/rotate", 200, key=w.responder, must=True).json
    before = len(sink.wait("/thin", lambda got: True))
    queued = w.call(
        "replay", "POST", f"/v1/endpoints/{endpoint['id']}/replay", 202, key=w.responder, body={"after": 0}, must=True)
    w.that("something is queued", queued.json["queued"] >= 2, queued)
    for headers, raw in sink.wait("/thin", lambda got: len(got) > before)[before:before + 1]:
        w.tally.record("both secrets sign", signature_faults(headers, raw, [endpoint["secret"], turned["secret"]]))
    w.that(
        "the replay arrives", len(sink.wait("/thin", lambda got: len(got) > before)) > before, "nothing came")
    w.call(
        "no such endpoint", "POST", f"/v1/endpoints/{NOBODY}/replay", 404, key=w.responder, body={"after": 0}, code="not-found")


SCENARIOS = [feed, endpoints, callbacks]
