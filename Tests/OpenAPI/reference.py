"""Reference data, working days, health: what every key, or nobody's, may read."""


def machinery(w):
    health = w.call("health", "GET", "/healthz", 200, must=True).json
    w.that("what an operator should see to is told, and hurts nobody", health["status"] == "ok", health)
    ready = w.call("readiness", "GET", "/readyz", 200, must=True).json
    w.rehearsing = ready.get("rehearsal") is True
    alive = [ready["database"]["writable"], ready["dispatcher"]["alive"], ready["keeper"]["alive"]]
    w.that("a ready daemon is alive throughout", all(alive), ready)
    metrics = w.call("metrics", "GET", "/metrics", 200)
    w.that("metrics are in the Prometheus format", "# TYPE " in metrics.text, metrics.text[:200])
    w.call("the document", "GET", "/openapi.json", 200)


def lists(w):
    for path in ("organs", "items", "assistance-list", "procedures"):
        for who, key in (("an organ", w.requester), ("the operator", w.operator)):
            page = w.call(
                f"{path} for {who}", "GET", f"/v1/{path}", 200, key=key, query={"limit": 500}, must=True)
            w.that(f"{path} for {who} are not empty", page.json["items"], page)
    organs = w.call("organs", "GET", "/v1/organs", 200, key=w.stranger, query={"limit": 500}, must=True).json
    codes = {organ["code"] for organ in organs["items"]}
    w.that("every organ with a key is listed", set(w.organs) <= codes, set(w.organs) - codes)
    procedures = w.call("procedures", "GET", "/v1/procedures", 200, key=w.requester, must=True).json
    w.that(
        "verification is a procedure", any(p["id"] == "verification" for p in procedures["items"]), procedures)


def pages(w):
    first = w.call("first page", "GET", "/v1/organs", 200, key=w.requester, query={"limit": 1}, must=True)
    w.that("limit=1 gives one", len(first.json["items"]) == 1, first)
    w.that(
        "a Link to the next page", 'rel="next"' in (first.headers.get("Link") or ""), first.headers.get("Link"))
    query = {"limit": 1, "cursor": first.json["next"]}
    second = w.call("second page", "GET", "/v1/organs", 200, key=w.requester, query=query, must=True)
    w.that("the second page goes on", first.json["items"] != second.json["items"], second)


def working_days(w):
    # 2026: 14 February is a make-up working day, 15 to 23 are off, so the fifth day is 27 February.
    query = {"from": "2026-02-13T17:45:00+08:00", "days": 5, "region": "320681"}
    counted = w.call(
        "working days", "GET", "/v1/working-days", 200, key=w.requester, query=query, must=True).json
    w.that("across the Spring Festival", counted["date"] == "2026-02-27", counted["date"])
    w.that(
        "the due instant is the next midnight", counted["at"].startswith("2026-02-28T00:00:00"), counted["at"])
    days = [day["date"] for day in counted["explanation"] if day["counted"]]
    w.that("five days are counted", len(days) == 5 and days[0] == "2026-02-14", days)
    plain = {"from": "2026-11-20T02:00:00Z"}
    default = w.call(
        "working days, least", "GET", "/v1/working-days", 200, key=w.operator, query=plain, must=True)
    w.that("five days by default, any offset", default.json["date"] == "2026-11-27", default.json["date"])
    for name, query in (
        ("no from", {"days": 5}), ("from is no time", {"from": "tomorrow"}),
        ("zero days", {**plain, "days": 0}), ("days is no number", {**plain, "days": "five"}),
        ("region is no region", {**plain, "region": "qidong"})):
        w.call(name, "GET", "/v1/working-days", 400, key=w.requester, query=query, code="invalid-parameter")


def catalogue(w):
    """A change of a list from the proposal to the publication."""
    organs = w.call("organs", "GET", "/v1/organs", 200, key=w.requester, query={"limit": 500}, must=True).json
    supervisor = next(o["code"] for o in organs["items"] if "supervisor" in o["roles"])
    boss = w.organs[supervisor]
    mine = [o for o in organs["items"] if "contacts" in o]
    w.that("contacts of others are not shown", [o["code"] for o in mine] == [w.asking], mine)
    proposal = {
        "procedure": "list-adjustment", "to": supervisor, "item": w.entry["item"], "purpose": "清单调整",
        "data": {"change": "amend", "methodBasis": "方案二（五）", "grounds": "补充依据"}}
    made = w.call("propose", "POST", "/v1/requests", 201, key=w.requester, body=proposal, must=True).json["id"]
    publish = {"proposals": [made], "notice": "启司发〔2026〕8号"}
    path = "/v1/catalogue/publications"
    w.call("publish too early", "POST", path, 422, key=boss, body=publish, code="not-approved")
    w.call("publish, no supervisor", "POST", path, 403, key=w.requester, body=publish, code="forbidden")
    approval = {"outcome": "approved", "text": "同意", "signatory": "周八"}
    w.move("approve", made, "answer", 200, boss, approval, must=True)
    published = w.call("publish", "POST", path, 201, key=boss, body=publish, must=True).json
    w.that("marked as published", published["proposals"] == [made] and published["versions"], published)
    w.that("the forms are owed", len(published["forms"]) == 1, published)
    w.that("the department has filed it", published["filings"] == [published["filing"]] != [None], published)
    w.call("publish twice", "POST", path, 422, key=boss, body=publish, code="already-published")
    items = w.call("the new version", "GET", "/v1/items", 200, key=w.stranger, must=True).json
    w.that("its number", items["version"] == published["versions"][0]["version"], items["version"])
    for name in ("items", "assistance-list"):
        old = w.call(
            f"{name} of long ago", "GET", f"/v1/{name}", 200, key=w.stranger, query={"asOf": "2001-01-01"}, must=True)
        w.that("nothing was listed", old.json["version"] == 0 and not old.json["items"], old)
        w.call(
            f"{name} of no day", "GET", f"/v1/{name}", 400, key=w.stranger, query={"asOf": "soon"},
            code="invalid-parameter")
    listed = w.call("publications", "GET", path, 200, key=w.stranger, must=True).json
    w.that("a stranger sees no request", listed["items"][0]["proposals"] == [], listed)


SCENARIOS = [machinery, lists, pages, working_days, catalogue]
