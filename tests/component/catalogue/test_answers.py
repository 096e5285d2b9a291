from tunekin.messages import Answer, Label, Match, MoodAnswer, Problem, SearchFacts, Versions


def answered(clip_id: str = "/app#1", **fields) -> Answer:
    match = Match(
        track_id="t",
        title="봄날 🌸",
        artist="",
        album="",
        mood=None,
        distance=0.1,
        similarity=0.5,
        clip_span_s=(0.0, 6.0),
        track_span_s=(60.5, 66.5),
    )
    return Answer(
        clip_id=clip_id,
        status="answered",
        key="1",
        mood=MoodAnswer(id=1, label=Label(ko="신나는", en="lively"), probability=0.7),
        matches=(match,) * 100,
        search=SearchFacts(mode="certified", scope="all", candidates=9, compared_in_full=3, proven=True),
        timeline={"ranker": 1.5},
        versions=Versions(features="f1", model="m1", catalogue=3),
        **fields,
    )


def test_an_answer_comes_back_as_it_was_stored(reader, writer):
    writer.put_answer(answered())
    assert reader.answer("/app#1") == answered()
    assert reader.answer("/app#2") is None


def test_a_failure_comes_back_as_it_was_stored(reader, writer):
    failed = Answer(clip_id="c", status="failed", error=Problem(code="audio.silent", message="조용하다"))
    writer.put_answer(failed)
    assert reader.answer("c") == failed


def test_the_first_outcome_of_an_attempt_stands(reader, writer):
    writer.put_answer(answered(clip_sha256="first"))
    writer.put_answer(answered(clip_sha256="second"))
    assert reader.answer("/app#1").clip_sha256 == "first"


def test_the_highest_attempt_stands_whichever_came_last(reader, writer):
    for attempt in (1, 10, 9):
        writer.put_answer(answered(attempt=attempt))
    assert reader.answer("/app#1").attempt == 10


def test_clips_are_told_apart_to_the_letter_however_long_their_names_are(reader, writer):
    names = ["a" * 100_000, "a" * 99_999, "a", "A", "a "]
    for name in names:
        writer.put_answer(answered(name))
    assert [reader.answer(name).clip_id for name in names] == names


def test_answers_do_not_change_the_catalogue(reader, writer):
    writer.put_answer(answered())
    assert reader.version() == 0
