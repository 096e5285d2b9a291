"""Every word of the bot, in both languages. What the page says too is said in its words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["WORDS", "Language", "Words", "language_of"]

Language: TypeAlias = Literal["ko", "en"]


@dataclass(frozen=True, kw_only=True)
class Words:
    """What the bot says in one language; names in braces are filled in.

    Attributes
    ----------
    language : {'ko', 'en'}
        The language.
    start : str
        Who the bot is and what it takes.
    commands : mapping of str to str
        What each command does, as Telegram's menu shows it.
    listening, looking : str
        While a clip, or a song, is compared.
    stages : mapping of str to str
        What is done, by role of the worker.
    mood_is, sure, or_else, or_as_well : str
        The mood.
    this_is, at : str
        The very song.
    kin, none : str
        The songs.
    alike, moment : str
        How alike a song is, and where.
    proven, proposed : str
        How they were found.
    press : str
        What numbered buttons are for.
    unknown : str
        A name that nobody knows.
    moods, songs, typical, surprise, surprise_lead, more, back, empty_mood : str
        Moods and their songs.
    found, nothing, like : str
        Search.
    likes, dislikes, nothing_yet, take_along, forget, forget_sure, forgotten, noted, taken_back : str
        What somebody likes and dislikes.
    press_to_take_back : str
        What the numbered buttons of these are for.
    what : str
        Answer to what the bot does not understand.
    too_often : str
        Somebody asks too often.
    errors : mapping of str to str
        What was wrong and what would be right, by the error's code.
    """

    language: Language
    start: str
    commands: Mapping[str, str]
    listening: str
    looking: str
    stages: Mapping[str, str]
    mood_is: str
    sure: str
    or_else: str
    or_as_well: str
    this_is: str
    at: str
    kin: str
    none: str
    alike: str
    moment: str
    proven: str
    proposed: str
    press: str
    unknown: str
    moods: str
    songs: str
    typical: str
    surprise: str
    surprise_lead: str
    more: str
    back: str
    empty_mood: str
    found: str
    nothing: str
    like: str
    likes: str
    dislikes: str
    nothing_yet: str
    take_along: str
    forget: str
    forget_sure: str
    forgotten: str
    noted: str
    taken_back: str
    press_to_take_back: str
    what: str
    too_often: str
    errors: Mapping[str, str]


_ENGLISH = Words(
    language="en",
    start=(
        "Play me a few seconds of a song you like.\n\n"
        "Send a voice note, an audio file or a video note: I say its mood, and find the songs of this catalogue that "
        "sound most like it, each with its moment. 6 seconds are good.\n\n"
        "Or type the name of a song, in part, misspelt, by its artist: then choose it, and get songs like it.\n"
        "/mood opens songs by mood, with no recording.\n"
        "/taste shows what you like: answers follow it.\n\n"
        "I judge by the sound alone, and keep no recording."
    ),
    commands={"mood": "Songs by mood", "taste": "What you like", "help": "What I can do"},
    listening="Listening…",
    looking="Looking for songs like {title}…",
    stages={"ingest": "Opened", "featurizer": "Heard", "classifier": "Felt", "ranker": "Compared"},
    mood_is="The mood is",
    sure="{p} sure",
    or_else="then {mood} ({p})",
    or_as_well="or just as well {mood} ({p})",
    this_is="This is that very song",
    at="at {a}",
    kin="Songs that sound like it",
    none="No song came near.",
    alike="{p} alike",
    moment="at {a} to {b}",
    proven="Proven: no other of {n} songs belongs in this list.",
    proposed="Compared with {n} of {of} songs.",
    press="Press a number for songs like that one.",
    unknown="unknown",
    moods="What mood are you in?",
    songs="{n} songs",
    typical="Typical first",
    surprise="Surprise me",
    surprise_lead="Drawn by lot: a song nobody knows has the same chance as a hit.",
    more="More",
    back="All moods",
    empty_mood="No song of this catalogue has this mood yet.",
    found="Which one do you mean?",
    nothing="No song is called so. Try a part of its name, or its artist.",
    like="Songs like {title}",
    likes="You like",
    dislikes="Not for you",
    nothing_yet="Nothing yet. Each song of an answer has a button for it.",
    take_along="Take it along (JSON)",
    forget="Forget all of it",
    forget_sure="Press once more to forget all of it",
    forgotten="All is forgotten.",
    noted="Noted. Your next answers will follow it.",
    taken_back="Taken back.",
    press_to_take_back="Press a number to take it back.",
    what="I understand sound and the names of songs. Send a voice note or an audio file, or type a title.",
    too_often="That was much at once. Ask again in {s} s.",
    errors={
        "audio.empty": "The file is empty. Record again.",
        "audio.unknown_format": "That is no sound that I know. Send a voice note, or MP3, M4A, Ogg, FLAC or WAV.",
        "audio.undecodable": "The file is broken, or has no sound in it. Record again, or send another file.",
        "audio.too_large": "The file is too large: I take {mb} MB at the most. Send the few seconds that you like.",
        "audio.too_short": "That was too short. Hold the button a little longer: 6 seconds are good.",
        "audio.too_long": "That is too long. Send the few seconds that you like.",
        "audio.silent": "I hear nothing. Check the microphone, and go nearer to the music.",
        "audio.decoder_limit": "The file takes too long to open. Record again, or send another file.",
        "catalogue.empty": "There is no song in my catalogue yet. Whoever runs me adds some: tunekin catalog add",
        "catalogue.not_found": "That is not in the catalogue any more. Search again, or look at /mood.",
        "dependency.unavailable": "I can't reach my catalogue just now. Try again in a minute.",
        "gateway.busy": "Many are waiting just now. Try again in {s} s.",
        "telegram.lost": "Telegram did not give me the file. Send it again.",
        "telegram.old_button": "This button is too old. Search for the song again.",
        "internal": "Something went wrong here, not with what you sent. If it stays so, tell whoever runs me.",
    },
)

_KOREAN = Words(
    language="ko",
    start=(
        "좋아하는 노래를 몇 초만 들려주세요.\n\n"
        "음성 메시지나 소리 파일, 영상 메시지를 보내면 노래의 기분을 말하고, "
        "이 음악 목록에서 가장 닮은 곡을 닮은 순간과 함께 찾아 드립니다. 6초면 좋습니다.\n\n"
        "노래 이름을 일부만, 틀리게, 가수 이름으로 적어도 됩니다. 고르면 비슷한 곡을 찾아 드립니다.\n"
        "/mood 를 누르면 녹음 없이 기분으로 노래를 고릅니다.\n"
        "/taste 에는 좋아하는 곡이 있습니다. 답은 취향을 따릅니다.\n\n"
        "오직 소리로만 판단하고, 녹음은 남기지 않습니다."
    ),
    commands={"mood": "기분으로 고르기", "taste": "내 취향", "help": "할 수 있는 일"},
    listening="듣는 중…",
    looking="{title}처럼 들리는 곡을 찾는 중…",
    stages={"ingest": "열었음", "featurizer": "들었음", "classifier": "느꼈음", "ranker": "비교했음"},
    mood_is="이 노래의 기분은",
    sure="확신 {p}",
    or_else="다음은 {mood} ({p})",
    or_as_well="{mood}일 수도 있음 ({p})",
    this_is="바로 이 노래입니다",
    at="{a}부터",
    kin="닮은 곡",
    none="가까운 곡이 없습니다.",
    alike="{p} 닮음",
    moment="{a}부터 {b}까지",
    proven="증명됨: {n}곡 가운데 다른 곡은 이 목록에 들 수 없습니다.",
    proposed="{of}곡 가운데 {n}곡과 비교했습니다.",
    press="번호를 누르면 그 곡과 비슷한 곡을 찾습니다.",
    unknown="알 수 없음",
    moods="지금 어떤 기분인가요?",
    songs="{n}곡",
    typical="전형적인 곡부터",
    surprise="뜻밖의 곡",
    surprise_lead="제비뽑기: 아무도 모르는 곡도 인기곡과 같은 기회를 얻습니다.",
    more="더 보기",
    back="모든 기분",
    empty_mood="이 목록에는 아직 이런 기분의 노래가 없습니다.",
    found="어느 곡인가요?",
    nothing="그런 이름의 노래가 없습니다. 이름의 일부나 가수 이름으로 찾아 보세요.",
    like="{title}처럼 들리는 곡",
    likes="좋아하는 곡",
    dislikes="별로인 곡",
    nothing_yet="아직 없습니다. 답의 곡마다 누를 수 있는 버튼이 있습니다.",
    take_along="내려받기 (JSON)",
    forget="모두 잊기",
    forget_sure="한 번 더 누르면 모두 잊습니다",
    forgotten="모두 잊었습니다.",
    noted="알겠습니다. 다음 답부터 따릅니다.",
    taken_back="취소했습니다.",
    press_to_take_back="번호를 누르면 취소합니다.",
    what="소리와 노래 이름을 알아듣습니다. 음성 메시지나 소리 파일을 보내거나, 제목을 적어 주세요.",
    too_often="한꺼번에 너무 많이 물었습니다. {s}초 뒤에 다시 물어 주세요.",
    errors={
        "audio.empty": "파일이 비어 있습니다. 다시 녹음해 주세요.",
        "audio.unknown_format": "모르는 소리입니다. 음성 메시지나 MP3, M4A, Ogg, FLAC, WAV 같은 파일을 보내 주세요.",
        "audio.undecodable": "파일이 손상되었거나 소리가 없습니다. 다시 녹음하거나 다른 파일을 보내 주세요.",
        "audio.too_large": "파일이 너무 큽니다. {mb} MB까지 받습니다. 좋아하는 몇 초만 보내 주세요.",
        "audio.too_short": "너무 짧습니다. 버튼을 조금 더 오래 눌러 주세요. 6초면 좋습니다.",
        "audio.too_long": "너무 깁니다. 좋아하는 몇 초만 보내 주세요.",
        "audio.silent": "아무 소리도 들리지 않습니다. 마이크를 확인하고 음악에 더 가까이 가 주세요.",
        "audio.decoder_limit": "파일을 여는 데 너무 오래 걸립니다. 다시 녹음하거나 다른 파일을 보내 주세요.",
        "catalogue.empty": "음악 목록에 아직 노래가 없습니다. 운영자가 tunekin catalog add 로 넣을 수 있습니다.",
        "catalogue.not_found": "이제 목록에 없는 것입니다. 다시 찾거나 /mood 를 눌러 보세요.",
        "dependency.unavailable": "지금은 음악 목록에 닿을 수 없습니다. 잠시 뒤에 다시 시도해 주세요.",
        "gateway.busy": "지금 많은 사람이 기다리고 있습니다. {s}초 뒤에 다시 시도해 주세요.",
        "telegram.lost": "텔레그램에서 파일을 받지 못했습니다. 다시 보내 주세요.",
        "telegram.old_button": "너무 오래된 버튼입니다. 노래를 다시 찾아 주세요.",
        "internal": "보내신 것이 아니라 저에게 문제가 생겼습니다. 다시 시도해 보고, 계속되면 운영자에게 알려 주세요.",
    },
)

WORDS: Mapping[Language, Words] = {"en": _ENGLISH, "ko": _KOREAN}


def language_of(code: str | None) -> Language:
    """Choose the language for somebody.

    Parameters
    ----------
    code : str or None
        IETF tag of their app's language, where Telegram says.

    Returns
    -------
    {'ko', 'en'}
        Korean for those who read it, else English.

    Examples
    --------
    >>> language_of("ko-KR"), language_of("de"), language_of(None)
    ('ko', 'en', 'en')
    """
    return "ko" if (code or "").lower().partition("-")[0] == "ko" else "en"
