"""Reports of a supervisor, of an organ and of the operator, in every form that they have."""

PATH = "/v1/reports/"


def timeliness(w):
    made = w.submit().json
    year = {"from": made["receivedAt"][:4] + "-01-01"}
    for by in ("organ", "procedure", "item", "month"):
        whole = w.call(
            f"timeliness by {by}", "GET", PATH + "timeliness", 200, key=w.responder, query={**year, "by": by}, must=True).json
        parts = ("answeredOnTime", "late", "declined", "returned", "transferred", "withdrawn", "open")
        for row in whole["rows"] + [whole["total"]]:
            w.that(f"by {by} the parts make the whole", row["received"] == sum(row[part] for part in parts), row)
        w.that(
            f"by {by} the rows make the total",
            whole["total"]["received"] == sum(row["received"] for row in whole["rows"]) > 0, whole["total"])
    for form, media in (("csv", "text/csv"), ("html", "text/html")):
        query = {**year, "format": form}
        w.call(f"timeliness as {form}", "GET", PATH + "timeliness", 200, key=w.operator, query=query)
        w.call(
            f"timeliness for {media}", "GET", PATH + "timeliness", 200, key=w.responder, headers={"Accept": media})
    for name, query in (
        ("by what", {"by": "weather"}), ("no date", {"from": "today"}), ("backwards", {"from": "2026-02-01", "to": "2026-01-01"}),
        ("too long", {"from": "2000-01-01", "to": "2026-01-01"}), ("a typo", {"form": "csv"})):
        w.call(name, "GET", PATH + "timeliness", 400, key=w.responder, query=query, code="invalid-parameter")


def documents(w):
    supervisor = w.supervisor()
    if supervisor is None:
        return
    w.call("summary", "GET", PATH + "summary", 200, key=supervisor, query={"half": "2026-1"})
    w.call("circular", "GET", PATH + "circular", 200, key=supervisor, query={"month": "2026-03"})
    w.call("ledger", "GET", PATH + "ledger", 200, key=supervisor, query={"from": "2026-01-01", "to": "2026-12-31"})
    for name in ("summary", "circular", "ledger"):
        w.call(f"{name} of when", "GET", PATH + name, 400, key=supervisor, code="invalid-parameter")
    w.call("a third half", "GET", PATH + "summary", 400, key=supervisor, query={"half": "2026-3"}, code="invalid-parameter")
    w.call("month 13", "GET", PATH + "circular", 400, key=supervisor, query={"month": "2026-13"}, code="invalid-parameter")
    w.call(
        "a sealed ledger", "GET", PATH + "ledger", 400, key=supervisor,
        query={"from": "2026-01-01", "to": "2026-01-31", "procedure": "criminal-transfer"}, code="invalid-parameter")
    w.call("an organ's summary", "GET", PATH + "summary", 403, key=w.responder, query={"half": "2026-1"}, code="forbidden")


SCENARIOS = [timeliness, documents]
