import Commands
import Logging
import Testing

@Suite("Text for people") struct TextTests {
    @Test("is aligned in columns, without spaces at the ends") func table() {
        var table = TextTable([("NAME", .left), ("COUNT", .right), ("NOTE", .left)])
        table.add("a", "7", "")
        table.add("grüße", "12345", "x\ty")
        #expect(
            table.text(ifEmpty: "none") == """
                NAME   COUNT  NOTE
                a          7
                grüße  12345  x\u{FFFD}y
                """)
        #expect(TextTable("A").text(ifEmpty: "none") == "none")
    }

    @Test(
        "gives sizes and times a person can read",
        arguments: [
            (Amounts.bytes(0), "0 B"), (Amounts.bytes(1_023), "1023 B"), (Amounts.bytes(1_024), "1.0 KiB"),
            (Amounts.bytes(268_435_456), "256.0 MiB"), (Amounts.bytes(.max), "8388608.0 TiB"),
            (Amounts.duration(seconds: 0), "0 s"), (Amounts.duration(seconds: 119), "119 s"),
            (Amounts.duration(seconds: 120), "2 min"), (Amounts.duration(seconds: 7_260), "2 h 1 min"),
            (Amounts.duration(seconds: 180_000), "2 d 2 h"), (Amounts.milliseconds(microseconds: 215), "0.21 ms"),
            (Amounts.time(unixMilliseconds: 0), "1970-01-01 00:00:00"),
            (Amounts.time(unixMilliseconds: 1_795_356_231_999), "2026-11-22 14:03:51"),
        ])
    func amounts(text: String, expected: String) { #expect(text == expected) }

    @Test("shows how far a long input is") func progress() {
        let known = ProgressBar(title: "sent", total: 1_048_576)
        #expect(
            known.line(262_144, elapsed: .seconds(2))
                == "sent [#######.......................] 25 % of 1.0 MiB 128.0 KiB/s")
        #expect(ProgressBar(title: "sent", total: nil).line(1_024, elapsed: .seconds(1)) == "sent 1.0 KiB 1.0 KiB/s")
        #expect(ProgressBar(title: "sent", total: 0).line(0, elapsed: .zero) == "sent 0 B 0 B/s")
    }

    @Test("is logged in one line each") func log() {
        #expect(
            HumanLog.line("2026-11-22 14:03:51", .warning, "peer said\nhello", [("b", "2"), ("a", "1")])
                == "2026-11-22 14:03:51 warning peer said\u{FFFD}hello a=1 b=2")
    }
}
