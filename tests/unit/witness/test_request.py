"""Reading what a log asks of a witness: the specification's own example, and what it does not allow."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.witness.outcome import Outcome, RefusedError
from services.witness.request import read_request
from tests.unit.witness.made_log import Branch

# From C2SP tlog-witness, section "add-checkpoint"; its proof is shortened and its key is not told.
SIGNED = (
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=",
    "opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=",
)
EXAMPLE = f"""\
old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa {SIGNED[0]}
— example.com/behind-the-sofa {SIGNED[1]}
"""
HASH = "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw="
LINE = f"{HASH}\n"
NOTE = str(Branch().grown(5).note())


def test_the_specifications_example_is_read() -> None:
    asked = read_request(EXAMPLE.encode())
    assert (asked.old, len(asked.proof)) == (20852014, 4)
    assert (asked.checkpoint.origin, asked.checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert len(asked.note.signatures) == 2
    assert asked.proof[0].hex().startswith("3e544d0abc07a6a846aeea6e")


def test_as_many_lines_as_are_allowed_and_a_size_of_0_are_read() -> None:
    assert read_request(f"old 0\n\n{NOTE}".encode()).proof == ()
    assert len(read_request(f"old 5\n{LINE * 63}\n{NOTE}".encode()).proof) == 63


@pytest.mark.parametrize(
    "body",
    [
        "",
        "old 0",
        "old 0\n",
        f"old 0\n{NOTE}",
        f"\n\n{NOTE}",
        f"old\n\n{NOTE}",
        f"old  0\n\n{NOTE}",
        f"Old 0\n\n{NOTE}",
        f"old 00\n\n{NOTE}",
        f"old 01\n\n{NOTE}",
        f"old +1\n\n{NOTE}",
        f"old -1\n\n{NOTE}",
        f"old 1 \n\n{NOTE}",
        f"old ١\n\n{NOTE}",
        f"old 0\r\n\r\n{NOTE}",
        f"old {2**63}\n\n{NOTE}",
        f"old 6\n\n{NOTE}",
        f"old 3\n{HASH[:-1]}\n\n{NOTE}",
        f"old 3\n{HASH} \n\n{NOTE}",
        f"old 3\n{HASH}\r\n\n{NOTE}",
        f"old 3\nAAAA\n\n{NOTE}",
        f"old 3\n{HASH.replace('+', '-')[:-2]}!=\n\n{NOTE}",
        f"old 3\n{LINE * 64}\n{NOTE}",
        f"old 0\n\n{NOTE.rstrip()}",
        f"old 0\n\n{NOTE.partition('—')[0]}",
        "old 0\n\nnot a checkpoint\n\n— x AAAAAAA=\n",
    ],
)
def test_what_is_no_request_is_malformed(body: str) -> None:
    with pytest.raises(RefusedError) as caught:
        read_request(body.encode())
    assert caught.value.outcome is Outcome.MALFORMED


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: f"old 0\n\n{text}".encode()))
@example(b"old 0\n\n\xff")
def test_any_bytes_are_malformed_at_worst(body: bytes) -> None:
    with pytest.raises(RefusedError) as caught:
        read_request(body)
    assert caught.value.outcome is Outcome.MALFORMED
