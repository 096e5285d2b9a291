// Hands the microphone's samples over, in parts long enough to be worth a message.
class Tap extends AudioWorkletProcessor {
  constructor() {
    super();
    this.part = new Float32Array(2048);
    this.filled = 0;
  }

  process([input]) {
    if (input.length) {
      this.part.set(input[0], this.filled);
      this.filled += input[0].length;
      if (this.filled === this.part.length) {
        this.port.postMessage(this.part.slice());
        this.filled = 0;
      }
    }
    return true;
  }
}
registerProcessor("tap", Tap);
