// A producer app in JavaScript: node publish.js BROKERS PREFIX FILE...
//
// Publishes each file as a clip and prints a line of JSON for each outcome: the file, and the answer.

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import kafkajs from "kafkajs";
import { decompressFrame } from "lz4-napi";

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs;
// Answers are written with LZ4 (TUNEKIN_KAFKA_COMPRESSION), which kafkajs leaves to others.
CompressionCodecs[CompressionTypes.LZ4] = () => ({ decompress: decompressFrame });

const [brokers, prefix, ...files] = process.argv.slice(2);
const kafka = new Kafka({ clientId: "example", brokers: brokers.split(","), logLevel: logLevel.ERROR });
const waiting = new Map(files.map((file) => [randomUUID(), file]));

const consumer = kafka.consumer({ groupId: `example-${randomUUID()}` });
await consumer.connect();
await consumer.subscribe({ topic: `${prefix}recommendations`, fromBeginning: true });
const answered = new Promise((resolve) => {
  consumer.run({
    eachMessage: async ({ message }) => {
      const file = waiting.get(message.key?.toString());
      // An outcome may come twice: the first counts.
      if (file === undefined) return;
      waiting.delete(message.key.toString());
      console.log(JSON.stringify({ file, answer: JSON.parse(message.value) }));
      if (waiting.size === 0) resolve();
    },
  });
});

const producer = kafka.producer({ idempotent: true });
await producer.connect();
for (const [key, file] of waiting) {
  await producer.send({
    topic: `${prefix}clips`,
    messages: [{ key, value: readFileSync(file), headers: { ce_topk: "3" } }],
  });
}
await producer.disconnect();

await answered;
await consumer.disconnect();
