"""What was promised, held against what arrived; and the table that says so."""

import unicodedata

from receivers import KINDS
from troubles import NAMES

# A 2xx of the last second before a kill may not have been recorded; one that came while the daemon was stopped, or
# while the receivers themselves stood still, may have come after its time-out. No other may be sent again.
BEFORE, AFTER = {"kill": 1.0, "stop": 0.5, "slow": 4.0}, {"kill": 0.2, "stop": 0.5, "slow": 0.5}
COLUMNS = (
    ("次数", "count"), ("应送", "promised"), ("送达", "delivered"), ("重复", "repeated"), ("丢失", "lost"),
    ("乱序", "out of order"))


class Tally:
    def __init__(self, count=0):
        self.count, self.promised, self.delivered, self.repeated, self.lost, self.early = count, 0, 0, 0, 0, 0

    def cells(self):
        return [self.count, self.promised, self.delivered, self.repeated, self.lost, self.early]

    def add(self, arrival):
        self.promised += arrival.promised
        self.delivered += arrival.delivered
        self.repeated += len(arrival.repeated)
        self.lost += len(arrival.missing)
        self.early += len(arrival.early)


class Arrivals:
    """One receiver's book against its organ's feed: (request, version, id) in order."""

    def __init__(self, receiver, feed):
        self.receiver = receiver
        owed = {event for _, _, event in feed}
        first, newest = {}, {}
        # (id, when it was taken for the first time) of each that came again.
        self.repeated, self.early = [], []
        for moment, request, version, event in receiver.taken:
            if event in first:
                self.repeated.append((event, request, first[event]))
            first.setdefault(event, moment)
            # Versions of a request follow each other without a gap, so one that comes after a later one, or before the
            # one that it follows, is out of order.
            if version < newest.get(request, 0) or version > newest.get(request, 0) + 1:
                self.early.append((request, version, newest.get(request, 0)))
            newest[request] = max(version, newest.get(request, 0))
        self.missing = [(request, version) for request, version, event in feed if event not in first]
        self.strange = sorted(set(first) - owed)
        self.promised, self.delivered = len(owed), len(owed & set(first))


class Judge:
    def __init__(self, windows):
        self.windows, self.faults = windows, []
        self.kinds = {kind: Tally() for kind in KINDS}
        self.total = Tally()
        self.what = {name: Tally() for name in NAMES}
        self.excused = {"kill": 0, "stop": 0, "slow": 0}
        self.spans = []
        for what, since, until in windows:
            if what in self.what:
                self.what[what].count += 1
                self.spans.append((what, since, until))

    def receiver(self, receiver, feed, name, promised_at):
        """- promised_at: when each request was acknowledged."""
        arrivals = Arrivals(receiver, feed)
        for tally in (self.kinds[receiver.kind], self.total):
            tally.count += 1
            tally.add(arrivals)
        if arrivals.missing:
            self.faults.append(f"{name}: {len(arrivals.missing)} of {arrivals.promised} never came")
        if arrivals.early:
            self.faults.append(f"{name}: {len(arrivals.early)} out of order: {arrivals.early[:3]}")
        if arrivals.strange:
            self.faults.append(f"{name}: {len(arrivals.strange)} that nobody owed it: {arrivals.strange[:3]}")
        for event, _, moment in arrivals.repeated:
            if event not in receiver.unsure and not self.excuse(moment):
                self.faults.append(f"{name}: {event} came again, and its 2xx could be recorded ({moment:.1f})")
        self.attribute(arrivals, feed, promised_at)

    def excuse(self, moment):
        for what, since, until in self.windows:
            if what in BEFORE and since - BEFORE[what] <= moment <= until + AFTER[what]:
                self.excused[what] += 1
                return True
        return False

    def attribute(self, arrivals, feed, promised_at):
        """What was under way in each trouble: of the requests of the ten seconds before it until five after it."""
        touched = {}
        for request, _, _ in feed:
            if request not in touched:
                moment = promised_at.get(request, float("-inf"))
                touched[request] = {what for what, since, until in self.spans if since - 10 <= moment <= until + 5}
        for request, _, _ in feed:
            for what in touched[request]:
                self.what[what].promised += 1
                self.what[what].delivered += 1
        for request, _ in arrivals.missing:
            for what in touched[request]:
                self.what[what].delivered -= 1
                self.what[what].lost += 1
        for request, _, _ in arrivals.early:
            for what in touched.get(request, ()):
                self.what[what].early += 1
        for event, _, moment in arrivals.repeated:
            if event in arrivals.receiver.unsure:
                continue
            for what in {what for what, since, until in self.spans if since - 1 <= moment <= until + 1}:
                self.what[what].repeated += 1

    def table(self, skipped):
        rows = [("接收方 / receivers", None)]
        rows += [(f"  {KINDS[kind]} {kind}", tally.cells()) for kind, tally in self.kinds.items() if tally.count]
        rows.append(("整个服务 / the whole daemon", None))
        rows += [(f"  {NAMES[what]}", tally.cells()) for what, tally in self.what.items() if tally.count]
        rows += [(f"  {NAMES[what]}：略过 skipped（{why}）", None) for what, why in skipped.items()]
        rows.append(("合计 / total", self.total.cells()))
        left = max(width(label) for label, cells in rows if cells) + 2
        rule = "─" * (left + 13 * len(COLUMNS))
        head = [pad("故障", left) + "".join(pad(zh, 13, right=True) for zh, _ in COLUMNS)]
        head.append(pad("fault", left) + "".join(pad(en, 13, right=True) for _, en in COLUMNS))
        lines = [rule, *head, rule]
        for label, cells in rows:
            if label.startswith("合计"):
                lines.append(rule)
            lines.append(pad(label, left) + "".join(pad(f"{cell:,}", 13, right=True) for cell in cells or []))
        return "\n".join(lines + [rule])


def width(text):
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def pad(text, columns, right=False):
    space = " " * max(0, columns - width(text))
    return space + text if right else text + space
