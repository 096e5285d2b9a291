// Every word of the page, in both languages.
const WORDS = {
  en: {
    skip: "Skip to the content", pages: "Pages", listen: "Listen", moods: "Moods", search: "Search", map: "Map",
    other: "한국어", footer: "By the sound alone. Nothing leaves this machine, and no recording is kept.",
    listenTitle: "Play me a few seconds of a song you like",
    listenLead: "I say its mood, and find the songs of this catalogue that sound most like it.",
    record: "Record", stop: "Stop", again: "Record again", recording: "Listening… {s} s", length: "Record for {s} s",
    drop: "Or drop a sound file here.", choose: "Choose a file", part: "The part that is sent",
    start: "Begins at {s} s", lasts: "Lasts {s} s", hear: "Listen to it", pause: "Pause", send: "Find its kin",
    whole: "This browser can't open the file; it is sent as it is.", scope: "Any mood", scopeMood: "This mood only",
    noMic: "The microphone can't be used: {why}. Drop a sound file instead.",
    waiting: "Waiting", ingest: "Opened", featurizer: "Heard", classifier: "Felt", ranker: "Compared",
    kin: "Kin", alike: "alike", clip: "Clip", match: "Match", ab: "A/B", alikeSongs: "Songs like this", like: "I like it", dislike: "Not for me", verdict: "What you think of {title}", play: "Play",
    moodIs: "The mood is", sure: "{p} sure", orElse: "then {mood} ({p})", orAsWell: "or just as well {mood} ({p})",
    thisIs: "This is that very song", none: "No song came near.", unknown: "unknown", proven: "Proven: no other of {n} songs belongs in this list.",
    proposed: "Compared with {n} of {of} songs.", aligned: "Your clip lies over {a} to {b} of the song.",
    meaning: "99 % alike is more alike than 99 of 100 pairs of songs drawn by lot.",
    export: "Take them along:", timbre: "timbre", rhythm: "rhythm", harmony: "harmony", style: "style", feeling: "feeling", moment: "the very moment", matters: "What matters to me", only: "Only some songs", tempo: "Tempo, beats a minute", years: "Years", from: "from", to: "to", tags: "Tags", tagsHint: "jazz, ballad", more: "{view}: {n}×", empty: "No song of this catalogue has this mood yet.",
    failed: "That did not work", retry: "Try again", lost: "The connection was lost.",
    moodsTitle: "What mood are you in?", moodsLead: "No recording needed. Each mood opens its songs.",
    songs: "{n} songs", song: "1 song", typical: "Typical first", surprise: "Surprise me", back: "All moods",
    surpriseLead: "Drawn by lot: a song nobody knows has the same chance as a hit.",
    searchTitle: "Name a song", searchLead: "In part, misspelt, by its artist, in Korean: then ask for songs like it.",
    searchLabel: "Title, artist or album", found: "{songs} found", nothing: "No song is called so.",
    likeTitle: "Songs like {title}", mapTitle: "The catalogue as a map", mapLead: "What sounds alike lies near each other. Colours are moods.",
    mapHelp: "Drag to move, scroll or + and − to zoom, arrow keys to go from song to song.", mapShown: "{n} of {of} songs",
    drawing: "Drawing…", zoomIn: "Zoom in", zoomOut: "Zoom out",
    taste: "Taste", tasteLead: "Answers follow what you like: among songs that are about equally like your clip, those near to it come sooner. What you dislike stays away. It is kept for you alone, by a secret in this browser.",
    follow: "Let answers follow my taste", likes: "You like", dislikes: "Not for you", nothingYet: "Nothing yet. Each song has a button for it.",
    takeAlong: "Take it along (JSON)", forget: "Forget all of it", forgetSure: "Press once more to forget all of it", forgotten: "All is forgotten.",
    noted: "Noted. Your next answers will follow it.", takenBack: "Taken back.",
    ops: "Operations", opsLead: "Who works, what waits, what failed.", token: "Token", enter: "Enter", leave: "Forget the token",
    workers: "Workers", group: "Group", waits: "Waiting", came: "Last minute", lastMinute: "Records that came within the last minute:",
    deadLetters: "Records that failed", error: "Error", stage: "Stage", since: "Since", any: "any", refresh: "Look again",
    shown: "{n}, the newest first", newest: "The newest {n}; there are older ones", noLetters: "None.", chooseAll: "All of these", replay: "Send again", purge: "Forget",
    replayed: "{n} sent again", purged: "{n} forgotten", noneChosen: "None is chosen.", reallyForget: "Forget {n} records for good?", saveRecord: "Save the record",
  },
  ko: {
    skip: "본문으로 건너뛰기", pages: "페이지", listen: "듣기", moods: "기분", search: "검색", map: "지도",
    other: "English", footer: "오직 소리로만 판단합니다. 아무것도 밖으로 나가지 않고, 녹음은 남지 않습니다.",
    listenTitle: "좋아하는 노래를 몇 초만 들려주세요",
    listenLead: "노래의 기분을 말하고, 이 음악 목록에서 가장 닮은 곡을 찾아 드립니다.",
    record: "녹음", stop: "멈춤", again: "다시 녹음", recording: "듣는 중… {s}초", length: "{s}초 동안 녹음",
    drop: "또는 소리 파일을 여기에 놓으세요.", choose: "파일 고르기", part: "보낼 부분",
    start: "{s}초부터", lasts: "{s}초 동안", hear: "들어 보기", pause: "잠시 멈춤", send: "닮은 곡 찾기",
    whole: "이 브라우저에서 열 수 없는 파일이라 그대로 보냅니다.", scope: "모든 기분", scopeMood: "같은 기분만",
    noMic: "마이크를 쓸 수 없습니다: {why}. 소리 파일을 놓아 보세요.",
    waiting: "기다리는 중", ingest: "열었음", featurizer: "들었음", classifier: "느꼈음", ranker: "비교했음",
    kin: "닮은 곡", alike: "닮음", clip: "내 녹음", match: "닮은 부분", ab: "A/B", alikeSongs: "비슷한 곡", like: "좋아요", dislike: "별로예요", verdict: "{title} 어떠세요?", play: "재생",
    moodIs: "이 노래의 기분은", sure: "확신 {p}", orElse: "다음은 {mood} ({p})", orAsWell: "{mood}일 수도 있음 ({p})",
    thisIs: "바로 이 노래입니다", none: "가까운 곡이 없습니다.", unknown: "알 수 없음", proven: "증명됨: {n}곡 가운데 다른 곡은 이 목록에 들 수 없습니다.",
    proposed: "{of}곡 가운데 {n}곡과 비교했습니다.", aligned: "녹음은 노래의 {a}부터 {b}까지와 겹칩니다.",
    meaning: "닮음 99 %는 제비로 뽑은 노래 100쌍 가운데 99쌍보다 더 닮았다는 뜻입니다.",
    export: "다른 플레이어로:", timbre: "음색", rhythm: "리듬", harmony: "화성", style: "음악 스타일", feeling: "느낌", moment: "그 순간의 흐름", matters: "무엇이 중요한가요", only: "일부 곡만", tempo: "빠르기(분당 박)", years: "연도", from: "부터", to: "까지", tags: "태그", tagsHint: "재즈, 발라드", more: "{view}: {n}배", empty: "이 목록에는 아직 이런 기분의 노래가 없습니다.",
    failed: "잘되지 않았습니다", retry: "다시 시도", lost: "연결이 끊어졌습니다.",
    moodsTitle: "지금 어떤 기분인가요?", moodsLead: "녹음은 필요 없습니다. 기분을 고르면 노래가 나옵니다.",
    songs: "{n}곡", song: "1곡", typical: "전형적인 곡부터", surprise: "뜻밖의 곡", back: "모든 기분",
    surpriseLead: "제비뽑기: 아무도 모르는 곡도 인기곡과 같은 기회를 얻습니다.",
    searchTitle: "노래 이름을 알려 주세요", searchLead: "일부만, 틀리게, 가수 이름으로, 한글로도 됩니다. 그다음 비슷한 곡을 찾아보세요.",
    searchLabel: "제목, 가수 또는 앨범", found: "{songs}을 찾았습니다", nothing: "그런 이름의 노래가 없습니다.",
    likeTitle: "{title}처럼 들리는 곡", mapTitle: "음악 목록의 지도", mapLead: "비슷하게 들리는 곡이 가까이 있습니다. 색은 기분입니다.",
    mapHelp: "끌어서 옮기고, 스크롤이나 + 와 − 로 확대하고, 화살표 키로 곡을 오갑니다.", mapShown: "{of}곡 가운데 {n}곡",
    drawing: "그리는 중…", zoomIn: "확대", zoomOut: "축소",
    taste: "취향", tasteLead: "답은 취향을 따릅니다. 녹음과 비슷하게 닮은 곡이라면 좋아하는 곡에 가까운 것이 먼저 나오고, 별로인 곡은 나오지 않습니다. 이 브라우저에 있는 비밀로 본인만 볼 수 있게 보관합니다.",
    follow: "답이 내 취향을 따르게 하기", likes: "좋아하는 곡", dislikes: "별로인 곡", nothingYet: "아직 없습니다. 곡마다 누를 수 있는 버튼이 있습니다.",
    takeAlong: "내려받기 (JSON)", forget: "모두 잊기", forgetSure: "한 번 더 누르면 모두 잊습니다", forgotten: "모두 잊었습니다.",
    noted: "알겠습니다. 다음 답부터 따릅니다.", takenBack: "취소했습니다.",
    ops: "운영", opsLead: "누가 일하고, 무엇이 기다리고, 무엇이 실패했는지 보여 줍니다.", token: "토큰", enter: "들어가기", leave: "토큰 지우기",
    workers: "작업자", group: "그룹", waits: "대기", came: "지난 1분", lastMinute: "지난 1분 동안 들어온 레코드:",
    deadLetters: "실패한 레코드", error: "오류", stage: "단계", since: "기간", any: "전체", refresh: "다시 보기",
    shown: "{n}건, 최신순", newest: "최근 {n}건, 더 오래된 것이 있습니다", noLetters: "없습니다.", chooseAll: "모두 고르기", replay: "다시 보내기", purge: "지우기",
    replayed: "{n}건을 다시 보냈습니다", purged: "{n}건을 지웠습니다", noneChosen: "고른 것이 없습니다.", reallyForget: "{n}건을 완전히 지울까요?", saveRecord: "레코드 저장",
  },
};

// The service says in English what was wrong; here is the same by its code, where another language has words for it.
const ERRORS = {
  ko: {
    "audio.empty": "빈 파일입니다. 다시 녹음하거나 다른 파일을 골라 주세요.",
    "audio.unknown_format": "소리 파일이 아닙니다. MP3, M4A, Ogg, FLAC, WAV 같은 파일을 골라 주세요.",
    "audio.undecodable": "망가졌거나 소리가 없는 파일입니다. 재생되는지 확인하고 다시 저장해 주세요.",
    "audio.too_large": "파일이 너무 큽니다. 짧게 자르거나 MP3, AAC, Opus로 바꿔 주세요.",
    "audio.too_short": "소리가 너무 짧습니다. 몇 초 더 녹음해 주세요.",
    "audio.too_long": "소리가 너무 깁니다. 일부만 보내 주세요.",
    "audio.silent": "아무 소리도 들리지 않습니다. 마이크를 확인하고 다시 녹음해 주세요.",
    "audio.decoder_limit": "파일을 여는 데 시간이나 메모리가 너무 많이 듭니다. 파일을 다시 저장해서 보내 주세요.",
    "option.invalid": "쓸 수 없는 값이 있습니다.",
    "catalogue.not_found": "그런 노래나 기분이 없습니다.",
    "catalogue.empty": "음악 목록이 비어 있습니다.",
    "dependency.unavailable": "필요한 서비스가 멈춰 있습니다. 잠시 뒤에 다시 시도해 주세요.",
    "gateway.busy": "지금은 너무 바쁩니다. 잠시 뒤에 다시 시도해 주세요.",
    "gateway.rate": "요청이 너무 많습니다. 잠시 뒤에 다시 시도해 주세요.",
    "gateway.slow": "제때 답을 받지 못했습니다. 다시 시도해 주세요.",
    "gateway.unauthorized": "토큰이 없거나 틀렸습니다.",
  },
};
export const told = (code) => ERRORS[language]?.[code];

const remembered = localStorage.getItem("language");
export let language = WORDS[remembered] ? remembered : navigator.language.startsWith("ko") ? "ko" : "en";

export function speak(other) {
  language = other;
  localStorage.setItem("language", other);
  document.documentElement.lang = other;
}

export function say(name, values = {}) {
  return WORDS[language][name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
}

// Only what is alike in everything is so by 100 %.
export const percent = (share) => `${share < 1 ? Math.min(Math.round(share * 100), 99) : 100} %`;
export const count = (n) => say(n === 1 ? "song" : "songs", { n });

export const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
const tenths = (n) => `${clock(n / 10)}.${n % 10}`;

// Where a moment begins and ends; to tenths where seconds would say that it lasts no time.
export function moment([from, to]) {
  const [begins, ends] = [clock(from), clock(to)];
  return begins === ends ? [tenths(Math.floor(from * 10)), tenths(Math.ceil(to * 10))] : [begins, ends];
}

export const label = (words) => words?.[language] || words?.en || "";
