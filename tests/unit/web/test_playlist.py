from xml.etree import ElementTree as ET

from tunekin_web.playlist import Entry, write

SONG = Entry(
    location="http://host/a",
    title="Rock & <Roll>\n#EXTINF:1,forged",
    artist="봄\x00",
    album="",
    duration_s=61.4,
    musicbrainz_id="b1a9",
)
BARE = Entry(location="http://host/b", title="", artist="", album="", duration_s=0.0, musicbrainz_id="")


def test_an_m3u8_has_two_lines_a_song_whatever_its_title_holds():
    assert write("m3u8", "Mine", [SONG, BARE]).splitlines() == [
        "#EXTM3U",
        "#PLAYLIST:Mine",
        "#EXTINF:61,봄 - Rock & <Roll> #EXTINF:1,forged",
        "http://host/a",
        "#EXTINF:-1,",
        "http://host/b",
    ]


def test_an_xspf_names_the_recording_and_leaves_out_what_is_unknown():
    name = "{http://xspf.org/ns/0/}"
    playlist = ET.fromstring(write("xspf", "Mine", [SONG, BARE]))
    first, second = playlist.iter(f"{name}track")
    assert first.findtext(f"{name}title") == "Rock & <Roll> #EXTINF:1,forged"
    assert first.findtext(f"{name}creator") == "봄"
    assert first.findtext(f"{name}duration") == "61400"
    assert first.findtext(f"{name}identifier") == "https://musicbrainz.org/recording/b1a9"
    assert [element.tag for element in second] == [f"{name}location"]
