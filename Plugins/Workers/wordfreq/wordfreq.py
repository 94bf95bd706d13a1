"""The worker `wordfreq`: how often each word occurs in the text that is streamed to it.

A word is a run of ASCII letters, counted in lower case. One line a word: the count, a tab, the word; the highest count
first, equal counts in alphabetical order. The same with standard tools:

    LC_ALL=C tr -cs A-Za-z '\\n' < FILE | tr A-Z a-z | grep . | sort | uniq -c | sort -k1,1nr -k2 | awk '{print $1 "\\t" $2}'
"""

import re
from collections import Counter

import dsmp_worker

WORD = re.compile(rb"[a-z]+")
CHUNK_BYTES = 65_536
# A word without end must not fill the memory.
WORD_BYTES = 1_048_576

worker = dsmp_worker.Worker(calls=8)


@worker.method("count")
def count(call):
    words = Counter()
    rest = b""
    for message in call:
        text = rest + message.lower()
        # The last word may go on in the next message.
        end = len(text)
        while end > 0 and text[end - 1 : end].isalpha():
            end -= 1
        rest = text[end:]
        if len(rest) > WORD_BYTES:
            raise dsmp_worker.CallError("invalidArgument", f"a word has more than {WORD_BYTES} letters")
        words.update(WORD.findall(text, 0, end))
    words.update(WORD.findall(rest))
    lines = []
    size = 0
    for word, number in sorted(words.items(), key=lambda item: (-item[1], item[0])):
        line = b"%d\t%s\n" % (number, word)
        lines.append(line)
        size += len(line)
        if size >= CHUNK_BYTES:
            yield b"".join(lines)
            lines, size = [], 0
    yield b"".join(lines)


worker.run()
