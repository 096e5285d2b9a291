// Sound in the browser: record, open files, cut, write WAV, play.

// Record from the microphone; `heard` gets each part's level, 0 to 1, and the seconds so far.
export async function record(heard) {
  // Calls are improved by these; music is spoilt.
  const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const stream = await navigator.mediaDevices.getUserMedia({ audio: plain });
  const context = new AudioContext();
  await context.audioWorklet.addModule("/static/recorder-worklet.js");
  const source = context.createMediaStreamSource(stream);
  const tap = new AudioWorkletNode(context, "tap");
  const parts = [];
  let count = 0;
  tap.port.onmessage = ({ data }) => {
    parts.push(data);
    count += data.length;
    const power = data.reduce((sum, sample) => sum + sample * sample, 0) / data.length;
    // −46 dB is as good as silence, −6 dB as loud as music gets.
    heard(Math.min(Math.max((10 * Math.log10(power + 1e-12) + 46) / 40, 0), 1), count / context.sampleRate);
  };
  source.connect(tap);
  return {
    async stop() {
      for (const track of stream.getTracks()) track.stop();
      const rate = context.sampleRate;
      await context.close();
      const samples = new Float32Array(count);
      let at = 0;
      for (const part of parts) {
        samples.set(part, at);
        at += part.length;
      }
      return { samples, rate };
    },
  };
}

// Open a file as one channel; fails where the browser does not know its kind.
export async function open(file) {
  const context = new OfflineAudioContext(1, 1, 44100);
  const buffer = await context.decodeAudioData(await file.arrayBuffer());
  const samples = new Float32Array(buffer.length);
  for (let channel = 0; channel < buffer.numberOfChannels; channel++) {
    const data = buffer.getChannelData(channel);
    for (let i = 0; i < data.length; i++) samples[i] += data[i] / buffer.numberOfChannels;
  }
  return { samples, rate: buffer.sampleRate };
}

// A part as a WAV file of 16 bits.
export function wav({ samples, rate }, start, duration) {
  const part = samples.subarray(Math.round(start * rate), Math.round((start + duration) * rate));
  const view = new DataView(new ArrayBuffer(44 + 2 * part.length));
  const text = (at, letters) => [...letters].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + 2 * part.length, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, 2 * part.length, true);
  part.forEach((sample, i) => view.setInt16(44 + 2 * i, Math.max(-1, Math.min(1, sample)) * 32767, true));
  return new Blob([view], { type: "audio/wav" });
}

// --- playing: one sound at a time ---

let current = null;

export function stop() {
  if (!current) return;
  const { audio, changed, frame } = current;
  current = null;
  cancelAnimationFrame(frame);
  audio.pause();
  changed(false);
}

// Play a span, once or over and over; `changed` hears of start and end, `moved` where it is.
export function play(url, { from = 0, to = Infinity, at = from, loop = false, changed = () => {}, moved = () => {} }) {
  stop();
  const audio = new Audio(url);
  const playing = { audio, changed, frame: 0 };
  current = playing;
  audio.currentTime = at;
  const step = () => {
    if (current !== playing) return;
    if (audio.currentTime >= to || audio.ended) {
      if (!loop) return stop();
      audio.currentTime = from;
      audio.play();
    }
    moved(audio.currentTime);
    playing.frame = requestAnimationFrame(step);
  };
  audio.play().then(step, () => current === playing && stop());
  changed(true);
}

// A button that plays a span, and stops it.
export function control(button, url, span, moved) {
  button.setAttribute("aria-pressed", "false");
  button.addEventListener("click", () => {
    if (button.getAttribute("aria-pressed") === "true") return stop();
    play(url(), { ...span(), moved, changed: (on) => button.setAttribute("aria-pressed", String(on)) });
  });
  return button;
}
