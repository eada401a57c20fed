"""The judge finds what it is there to find; run before each soak."""

import unittest

from judge import Judge
from receivers import Receiver

FEED = [("r", 1, "a"), ("r", 2, "b"), ("s", 1, "c")]
RIGHT = [(1.0, *FEED[0]), (2.0, *FEED[1]), (3.0, *FEED[2])]
# What was taken, the windows, ids whose answer was lost on purpose, and a word of the fault; none when it is right.
CASES = (
    (RIGHT, [], [], None),
    (RIGHT[:2], [], [], "1 of 3 never came"),
    ([RIGHT[1], RIGHT[0], RIGHT[2]], [], [], "2 out of order"),
    (RIGHT + [(4.0, *FEED[0])], [], ["a"], "1 out of order"),
    (RIGHT + [(4.0, "t", 1, "x")], [], [], "1 that nobody owed it"),
    (RIGHT + [(4.0, *FEED[2])], [], [], "came again"),
    (RIGHT + [(4.0, *FEED[2])], [], ["c"], None),
    (RIGHT + [(5.0, *FEED[2])], [("kill", 3.9, 3.9)], [], None),
    (RIGHT + [(9.0, *FEED[2])], [("kill", 4.1, 4.1)], [], "came again"),
    (RIGHT + [(9.0, *FEED[2])], [("stop", 2.0, 32.0)], [], None),
    (RIGHT + [(9.0, *FEED[2])], [("lock", 2.0, 12.0)], [], "came again"),
    (RIGHT + [(9.0, *FEED[2])], [("full", 2.0, 12.0)], [], "came again"),
    (RIGHT + [(9.0, *FEED[2])], [("clock", 2.0, 12.0), ("dns", 2.0, 12.0)], [], "came again"),
)


class JudgeCheck(unittest.TestCase):
    def test_every_fault_is_found(self):
        for taken, windows, unsure, fault in CASES:
            with self.subTest(fault=fault, windows=windows):
                receiver = Receiver("good")
                receiver.taken, receiver.unsure = list(taken), set(unsure)
                judge = Judge(windows)
                judge.receiver(receiver, FEED, "it", {"r": 0.0, "s": 0.0})
                if fault is None:
                    self.assertEqual(judge.faults, [])
                else:
                    self.assertTrue(any(fault in found for found in judge.faults), judge.faults)

    def test_what_was_under_way_is_counted(self):
        receiver = Receiver("late")
        receiver.taken = RIGHT[:2] + [(2.5, *FEED[1])]
        judge = Judge([("lock", 20.0, 30.0), ("full", 2.0, 9.0)])
        judge.receiver(receiver, FEED, "it", {"r": 5.0, "s": 12.0})
        lock, full = judge.what["lock"], judge.what["full"]
        self.assertEqual(lock.cells(), [1, 1, 0, 0, 1, 0])
        self.assertEqual(full.cells(), [1, 3, 2, 1, 1, 0])
        self.assertEqual(judge.total.cells(), [1, 3, 2, 1, 1, 0])


if __name__ == "__main__":
    unittest.main()
