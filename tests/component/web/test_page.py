"""The page in a real browser: Debian's chromium, with a microphone that hears a composed piece."""

import json
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.component.loaded import Loaded
from tests.component.web.operated import Operated
from tunekin.errors import InputError
from tunekin_web.backend import Backend
from tunekin_web.gateway import application
from tunekin_web.problems import TooBusyError, TooManyError, TooSlowError
from tunekin_web.settings import WebSettings

LOAD_LIMIT_BYTES = 300_000
TOKEN = "비밀 secret"
PATIENCE_MS = 30_000
LEAST_LETTERS_PX = 12

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def operated(tmp_path_factory: pytest.TempPathFactory) -> Operated:
    return Operated(tmp_path_factory.mktemp("operated"))


@pytest.fixture(scope="module")
def address(loaded: Loaded, operated: Operated) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        backend = replace(Backend.of(loaded.parts), operations=operated)
        app = application(backend, settings=WebSettings(clips_per_minute=0, token=TOKEN))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        # Streams that a closed browser left must not keep the tests waiting.
        server.config.timeout_graceful_shutdown = 1
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def browser(loaded: Loaded) -> Iterator[Browser]:
    program = shutil.which("chromium")
    assert program, "chromium is missing: deploy/native/install installs it"
    flags = [
        # The tests may run as root, where its sandbox can't.
        "--no-sandbox",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={loaded.recorded}",
        "--autoplay-policy=no-user-gesture-required",
    ]
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=program, args=flags) as browser:
        yield browser


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[Open]:
    """Open a page; whatever it logs or throws fails the test."""
    wrong: list[str] = []
    contexts = []

    def visit(place: str = "/", *, language: str = "en-US", width: int = 1180, **more) -> Page:
        contexts.append(
            browser.new_context(
                viewport={"width": width, "height": 860}, locale=language, permissions=["microphone"], **more
            )
        )
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(address + place)
        page.wait_for_selector("main h1")
        return page

    yield visit
    for context in contexts:
        context.close()
    assert wrong == []


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{rule['id']}: {rule['nodes'][0]['html']}" for rule in found if rule["impact"] in {"serious", "critical"}]


def overflows(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def test_a_recording_by_the_microphone_is_heard_again_and_gets_its_mood_and_five_songs(open_page, loaded):
    page = open_page()
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.get_by_role("heading", name="The part that is sent")).to_be_visible(timeout=PATIENCE_MS)
    hear = page.get_by_role("button", name="Listen to it")
    hear.click()
    expect(hear).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Find its kin").click()
    expect(page.locator("[data-kin] > .song")).to_have_count(5, timeout=PATIENCE_MS)
    expect(page.get_by_role("heading", name=loaded.pieces[3].title)).to_be_visible()
    expect(page.get_by_text("The mood is", exact=True)).to_be_visible()
    switch = page.get_by_role("button", name="A/B").first
    for side in ("Clip", "Match"):
        switch.click()
        expect(switch).to_have_text(f"A/B: {side}")
    assert violations(page) == []


def test_a_dropped_file_shows_its_waveform_and_the_part_is_chosen_by_keys(open_page, loaded):
    page = open_page()
    page.set_input_files("input[type=file]", loaded.recorded)
    start = page.get_by_label("Begins at")
    start.press("ArrowRight")
    expect(page.get_by_text("Begins at 0.1 s")).to_be_visible()
    page.get_by_role("button", name="Find its kin").press("Enter")
    expect(page.locator("[data-kin] > .song")).to_have_count(5, timeout=PATIENCE_MS)


def test_a_file_that_is_no_sound_is_said_in_plain_words(open_page, tmp_path: Path):
    text = tmp_path / "words.mp3"
    text.write_text("words, and no sound at all")
    page = open_page()
    page.set_input_files("input[type=file]", text)
    expect(page.get_by_role("heading", name="That did not work")).to_be_visible(timeout=PATIENCE_MS)


def test_what_was_wrong_is_said_in_korean_whatever_it_was(open_page, tmp_path: Path):
    text = tmp_path / "words.mp3"
    text.write_text("words, and no sound at all")
    page = open_page(language="ko-KR")
    page.set_input_files("input[type=file]", text)
    expect(page.get_by_role("status")).to_contain_text("소리 파일이 아닙니다", timeout=PATIENCE_MS)
    expect(page.get_by_text("it looks like text")).to_have_attribute("lang", "en")
    codes = [error.code for error in InputError.__subclasses__() if error.code.startswith("audio.")]
    codes += [error.code for error in (TooBusyError, TooManyError, TooSlowError)]
    told = page.evaluate("async (codes) => codes.map((await import('/static/words.js')).told)", codes)
    assert [code for code, words in zip(codes, told, strict=True) if not words] == []


def test_a_moment_shorter_than_a_second_is_told_to_tenths_of_it(open_page):
    page = open_page()
    told = page.evaluate(
        "async (spans) => spans.map((await import('/static/words.js')).moment)",
        [[22.31, 22.87], [59.91, 59.96], [59.9, 60.2], [61.0, 65.0]],
    )
    assert told == [["0:22.3", "0:22.9"], ["0:59.9", "1:00.0"], ["0:59", "1:00"], ["1:01", "1:05"]]


def test_only_what_is_alike_in_everything_is_so_by_a_hundred_percent(open_page):
    page = open_page()
    told = page.evaluate("async (all) => all.map((await import('/static/words.js')).percent)", [0, 0.724, 0.9994, 1])
    assert told == ["0 %", "72 %", "99 %", "100 %"]


def test_an_answer_fits_a_phone_and_says_its_moments_in_letters_that_can_be_read(open_page, loaded):
    page = open_page("/search", language="ko-KR", width=360)
    page.get_by_role("searchbox").fill(loaded.pieces[0].title)
    page.get_by_role("button", name="비슷한 곡").first.click()
    expect(page.locator("[data-kin] > .song")).to_have_count(5, timeout=PATIENCE_MS)
    times = page.locator("[data-kin] .times")
    expect(times).to_have_count(5)
    sizes = times.evaluate_all("all => all.map((one) => parseFloat(getComputedStyle(one).fontSize))")
    assert min(sizes) >= LEAST_LETTERS_PX
    assert not overflows(page)
    assert violations(page) == []


def test_a_mood_opens_its_songs_and_one_of_them_asks_for_similar_ones(open_page):
    page = open_page("/moods", color_scheme="dark")
    expect(page.locator(".moods button")).to_have_count(10)
    assert violations(page) == []
    page.locator(".moods button").filter(has_not_text="0 songs").first.click()
    expect(page.locator(".song").first).to_be_visible()
    page.get_by_role("button", name="Surprise me").click()
    expect(page.get_by_text("Drawn by lot")).to_be_visible()
    page.get_by_role("button", name="Songs like this").first.click()
    expect(page.locator("[data-kin] > .song")).to_have_count(5, timeout=PATIENCE_MS)


def test_the_search_speaks_korean_and_finds_a_misspelt_song_on_a_phone(open_page, loaded):
    page = open_page("/search", language="ko-KR", width=360)
    expect(page.get_by_role("heading", name="노래 이름을 알려 주세요")).to_be_visible()
    wanted = next(piece for piece in loaded.pieces if len(piece.title) > 4)
    page.get_by_role("searchbox").fill(wanted.title[:-1])
    expect(page.get_by_role("heading", name=wanted.title)).to_be_visible()
    assert violations(page) == []
    assert not overflows(page)
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="Name a song")).to_be_visible()


@pytest.mark.parametrize("place", ["/", "/moods", "/map", "/taste"])
def test_every_page_fits_a_phone_in_the_dark(open_page, place):
    page = open_page(place, language="ko-KR", width=360, color_scheme="dark")
    assert not overflows(page)
    assert violations(page) == []


def test_what_is_liked_is_followed_looked_at_taken_along_and_forgotten(open_page, loaded):
    page = open_page("/search")
    page.get_by_role("searchbox").fill(loaded.pieces[0].title)
    page.get_by_role("button", name="Songs like this").first.click()
    kin = page.locator("[data-kin] > .song")
    expect(kin).to_have_count(5, timeout=PATIENCE_MS)
    # By keys alone; of the two at most one is pressed.
    first = kin.first.get_by_role("heading").inner_text()
    like, dislike = (kin.first.get_by_role("button", name=name) for name in ("I like it", "Not for me"))
    like.press("Enter")
    expect(like).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("status")).to_contain_text("Noted")
    dislike.press("Space")
    expect(dislike).to_have_attribute("aria-pressed", "true")
    expect(like).to_have_attribute("aria-pressed", "false")
    for number in range(1, 5):
        kin.nth(number).get_by_role("button", name="I like it").click()
        expect(kin.nth(number).get_by_role("button", name="I like it")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("status")).to_contain_text("Noted")

    page.reload()
    expect(kin).to_have_count(5, timeout=PATIENCE_MS)
    assert first not in kin.get_by_role("heading").all_inner_texts()
    expect(page.locator("[data-view=liked]").first).to_contain_text("that you liked")
    assert violations(page) == []
    asked = page.url

    page.get_by_role("link", name="Taste").click()
    expect(page.get_by_role("heading", name="You like")).to_be_visible()
    expect(page.locator(".song")).to_have_count(5)
    expect(page.locator("[data-verdict=dislike][aria-pressed=true]")).to_have_count(1)
    assert violations(page) == []
    with page.expect_download() as saved:
        page.get_by_role("link", name="Take it along").click()
    told = json.loads(saved.value.path().read_text(encoding="utf-8"))
    assert (len(told["likes"]), [song["title"] for song in told["dislikes"]]) == (4, [first])

    # The switch holds for what is asked from then on.
    page.get_by_role("switch", name="Let answers follow my taste").uncheck()
    page.goto(asked)
    expect(kin).to_have_count(5, timeout=PATIENCE_MS)
    expect(page.get_by_role("heading", name=first, exact=True)).to_be_visible()

    page.get_by_role("link", name="Taste").click()
    expect(page.get_by_role("switch")).not_to_be_checked()
    page.get_by_role("button", name="Forget all of it").click()
    page.get_by_role("button", name="Press once more").click()
    expect(page.get_by_text("Nothing yet")).to_have_count(2)
    expect(page.get_by_role("button", name="Forget all of it")).to_have_count(0)


def test_the_page_of_taste_speaks_korean_on_a_phone(open_page):
    page = open_page("/moods", language="ko-KR", width=360)
    page.locator(".moods button").filter(has_not_text="0곡").first.click()
    page.get_by_role("button", name="좋아요").first.click()
    expect(page.locator("[data-verdict=like]").first).to_have_attribute("aria-pressed", "true")
    page.get_by_role("link", name="취향").click()
    expect(page.get_by_role("heading", name="좋아하는 곡")).to_be_visible()
    expect(page.locator(".song")).to_have_count(1)
    assert not overflows(page)
    assert violations(page) == []
    # Pressed again, it is taken back.
    page.get_by_role("button", name="좋아요").click()
    expect(page.locator("[data-verdict=like]")).to_have_attribute("aria-pressed", "false")
    page.reload()
    expect(page.get_by_text("아직 없습니다")).to_have_count(2)


def test_the_map_is_walked_by_keys_and_leads_to_a_song(open_page, loaded):
    page = open_page("/map")
    expect(page.get_by_text(f"{len(loaded.pieces)} of {len(loaded.pieces)} songs")).to_be_visible(timeout=PATIENCE_MS)
    page.locator("canvas").press("ArrowRight")
    expect(page.locator(".song")).to_be_visible()
    page.get_by_role("button", name="Zoom in").click()


def test_the_first_page_loads_in_less_than_300_kb_from_this_server_alone(browser, address):
    page = browser.new_page()
    sizes: dict[str, int] = {}
    page.on("response", lambda response: sizes.update({response.url: len(response.body())}))
    page.goto(address, wait_until="networkidle")
    page.close()
    assert all(url.startswith(address) for url in sizes)
    assert 0 < sum(sizes.values()) < LOAD_LIMIT_BYTES


def enter(page: Page, token: str = TOKEN) -> None:
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Enter").click()


def test_an_operator_sees_workers_and_failures_and_sends_a_record_again(open_page, operated):
    operated.fill()
    page = open_page("/ops")
    assert page.get_by_role("link", name="Operations").count() == 0, "listeners are not led there"
    enter(page)
    row = page.get_by_role("row", name="ranker")
    expect(row).to_have_text("ranker01725")
    expect(row).to_have_attribute("data-alone", "")
    expect(page.locator(".letters li")).to_have_count(3)
    page.get_by_text("these bytes are no sound file").click()
    expect(page.get_by_text("check the microphone").locator("visible=true")).to_have_count(1)
    with page.expect_download() as saving:
        page.get_by_role("button", name="Save the record").locator("visible=true").click()
    assert saving.value.suggested_filename == "clips-4-2.bin"
    assert saving.value.path().read_bytes() == bytes(range(256))
    assert violations(page) == []
    page.get_by_label("Error").select_option("internal")
    expect(page.locator(".letters li")).to_have_count(1)
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_text("None is chosen.")).to_be_visible()
    page.get_by_label("clips/4/3").check()
    page.get_by_role("button", name="Send again").click()
    expect(page.locator(".letters li")).to_have_count(0)
    assert [record.key for record in operated.topics.records if record.topic == "clips"] == [b"clip 3"]
    page.get_by_label("Error").select_option("")
    expect(page.locator(".letters li")).to_have_count(2)
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_label("All of these").check()
    page.get_by_role("button", name="Forget", exact=True).click()
    expect(page.get_by_text("None.", exact=True)).to_be_visible()
    # The token is this tab's alone, and is forgotten when that is asked for.
    page.get_by_role("button", name="Forget the token").click()
    expect(page.get_by_label("Token")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Token")).to_be_visible()


def test_the_operators_page_speaks_korean_and_fits_a_phone_in_the_dark(open_page, operated):
    operated.fill()
    page = open_page("/ops", language="ko-KR", width=360, color_scheme="dark")
    page.get_by_label("토큰").fill(TOKEN)
    page.get_by_role("button", name="들어가기").press("Enter")
    expect(page.locator(".letters li")).to_have_count(3)
    page.locator(".letters summary").first.click()
    assert not overflows(page)
    assert violations(page) == []


def test_a_wrong_token_is_told_and_asked_for_again(browser, address):
    page = browser.new_page()
    page.goto(f"{address}/ops")
    enter(page, "wrong")
    expect(page.locator("main").get_by_text("the token is missing or wrong")).to_be_visible()
    enter(page)
    expect(page.get_by_role("row", name="ranker")).to_be_visible()
    page.close()
