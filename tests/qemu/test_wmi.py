"""WMI: the console has providers enable their events, and shows what they send."""
from harness import suite

EVENT = "{4f1f2c01-7a31-4d0e-9102-030405060708}"
BLOCK_1 = "111111111111111111111111"  # what the provider's block 0 has in instance 1


def test_conformance_of_events_that_the_console_wants():
    run = suite.Run({"group": "wmi", "devices": ["edu"]}, 1, None)
    with run.guest() as guest:
        guest.wait_for_prompt()
        suite.step(guest, "wmi", 10)
        guest.command(f"wmi enable {EVENT}")
        cases = suite.step(guest, "wmi", 11)
        guest.command(f"wmi disable {EVENT}")
        cases += suite.step(guest, "wmi", 12)
        events = guest.json("wmi -j")
        for nth in range(1, 5):
            guest.command(f'inject pool {nth} "Io"')
            cases += suite.step(guest, "wmi", 13)
            guest.command("inject pool off")
        for i in range(40):
            suite.step(guest, "wmi", 13)
        kept = guest.json("wmi -j")
        guest.command("wmi enable nonsense")
    cases = list(dict.fromkeys(cases))
    suite.record("wmi events, 1 CPU", cases)
    suite.judge("wmi events", cases, guest.text)
    assert len(cases) == 6, guest.text[-3000:]
    assert [(row["driver"], row["block"], row["instance"], row["data"]) for row in events] == [
        ("wmi", EVENT, 1, "a5a5a5"), ("wmi", EVENT, 1, BLOCK_1)]
    assert len(kept) == 32 and kept[-1]["event"] > 80
    assert kept[-1]["driver"] == "" and kept[-1]["data"] == "5a5a5a5a"
    assert "nonsense: no {GUID}" in guest.text
