"""Logins of the Subsonic protocol: who may ask, and with which number the others are refused."""

import hashlib

import pytest

from tunekin.errors import SettingsError
from tunekin_web.settings import WebSettings
from tunekin_web.subsonic.login import Logins
from tunekin_web.subsonic.problems import SubsonicError

CLIENT = {"v": "1.16.1", "c": "tests"}
BOTH = Logins(user="kim", password="sesame 봄", api_key="key-7")
KEY_ALONE = Logins(user="", password="", api_key="key-7")
USER_ALONE = Logins(user="kim", password="sesame 봄", api_key="")


def token_of(password: str, salt: str = "c19b2d") -> dict[str, str]:
    return {"t": hashlib.md5((password + salt).encode()).hexdigest(), "s": salt}


def refused(logins: Logins, **sent: str) -> int:
    with pytest.raises(SubsonicError) as caught:
        logins.check(CLIENT | sent)
    for secret in (logins.password, logins.api_key):
        assert not secret or secret not in caught.value.message
    return int(caught.value.code)


def test_the_example_of_the_protocol_is_let_in():
    logins = Logins(user="joe", password="sesame", api_key="")
    sent = {"u": "joe", "t": "26719a1196d2a940705a59634eb18eab", "s": "c19b2d"}
    assert logins.check(CLIENT | sent) == "joe"
    assert logins.check(CLIENT | {"u": "joe", "p": "enc:736573616d65"}) == "joe"


def test_a_token_a_password_and_a_key_each_let_in():
    assert BOTH.check(CLIENT | {"u": "kim"} | token_of("sesame 봄")) == "kim"
    assert BOTH.check(CLIENT | {"u": "kim", "p": "sesame 봄"}) == "kim"
    assert BOTH.check(CLIENT | {"u": "kim", "p": "enc:" + "sesame 봄".encode().hex()}) == "kim"
    assert BOTH.check(CLIENT | {"apiKey": "key-7"}) == "kim"
    assert KEY_ALONE.check(CLIENT | {"apiKey": "key-7"}) == "tunekin"


def test_a_wrong_login_is_refused():
    assert refused(BOTH, u="kim", p="Sesame 봄") == 40
    assert refused(BOTH, u="kin", p="sesame 봄") == 40
    assert refused(BOTH, u="kim", p="") == 40
    assert refused(BOTH, u="kim", p="enc:7365zz") == 40
    assert refused(BOTH, u="kim", p="enc:ff") == 40
    assert refused(BOTH, u="kim", **token_of("sesame")) == 40
    assert refused(BOTH, u="kim", **token_of("sesame 봄") | {"s": "other"}) == 40
    assert refused(BOTH, u="kim", t="\udcff", s="") == 40
    assert refused(BOTH, apiKey="key-8") == 44
    assert refused(BOTH, apiKey="") == 44


def test_two_logins_at_once_are_refused():
    assert refused(BOTH, apiKey="key-7", u="kim") == 43
    assert refused(BOTH, apiKey="key-7", **token_of("sesame 봄")) == 43
    assert refused(BOTH, u="kim", p="sesame 봄", **token_of("sesame 봄")) == 43


def test_half_a_login_is_refused():
    assert refused(BOTH) == 10
    assert refused(BOTH, u="kim") == 10
    assert refused(BOTH, u="kim", t="abc") == 10
    assert refused(BOTH, p="sesame 봄") == 10


def test_a_login_that_is_not_set_up_is_refused_as_such():
    assert refused(KEY_ALONE, u="", p="") == 42
    assert refused(KEY_ALONE, u="", **token_of("")) == 41
    assert refused(USER_ALONE, apiKey="") == 42


def test_a_client_has_to_say_what_it_is_and_speaks():
    known = {"apiKey": "key-7"}
    for wrong, code in (({"v": ""}, 10), ({"c": ""}, 10), ({"v": "one"}, 10), ({"v": "2.0"}, 30), ({"v": "0.9"}, 20)):
        assert refused(BOTH, **known | wrong) == code
    assert BOTH.check({"v": "1.8.0", "c": "old"} | known) == "kim"


def test_nobody_may_ask_until_a_login_is_set():
    assert Logins.of(WebSettings()) is None
    assert Logins.of(WebSettings(subsonic_api_key="k")) == Logins(user="", password="", api_key="k")


@pytest.mark.parametrize("half", [{"subsonic_user": "kim"}, {"subsonic_password": "sesame"}])
def test_half_a_login_in_the_settings_stops_the_start(half):
    with pytest.raises(SettingsError, match="TUNEKIN_WEB_SUBSONIC_") as caught:
        Logins.of(WebSettings(**half))
    assert "sesame" not in f"{caught.value.message} {caught.value.hint}"
