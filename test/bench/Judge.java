import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsOptions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Who judges both sides of the benchmark: writes their inputs, sees when their outputs end, and reads these. Argument: brokers.
 * Takes a command a line, answers RESULT name=value ... or ERROR text. See judge.ts for the commands.
 */
public class Judge {
  static final int PARTITIONS = 4;
  /** An output that has not moved for so long is read; one that is not whole by the patience is called wrong. */
  static final long QUIET_MS = 1000, PATIENCE_MS = 180_000, POLL_MS = 20;

  static Admin admin;
  static Map<String, Object> client;
  static final Map<String, Output> outputs = new HashMap<>();

  public static void main(String[] args) throws Exception {
    client = Map.of("bootstrap.servers", args[0]);
    admin = Admin.create(client);
    var commands = new BufferedReader(new InputStreamReader(System.in));
    for (String line; (line = commands.readLine()) != null; ) {
      try {
        System.out.println("RESULT " + answer(line.split(" ")));
      } catch (Exception error) {
        System.out.println("ERROR " + String.valueOf(error).replace('\n', ' '));
      }
    }
    System.exit(0);
  }

  static String answer(String[] words) throws Exception {
    return switch (words[0]) {
      case "create" -> create(words[1]);
      case "load" -> load(words[1], Long.parseLong(words[2]), Integer.parseInt(words[3]), Long.parseLong(words[4]));
      case "watch" -> outputs.computeIfAbsent(words[1], Output::new).watch(words[2].equals("counts"), Long.parseLong(words[3]));
      case "total" -> outputs.get(words[1]).total(words[2].equals("counts"));
      case "mark" -> outputs.computeIfAbsent(words[1], Output::new).mark();
      case "first" -> outputs.get(words[1]).first();
      case "drop" -> drop(words[1]);
      default -> throw new IllegalArgumentException("command " + words[0]);
    };
  }

  static String create(String topic) throws Exception {
    admin.createTopics(List.of(new NewTopic(topic, PARTITIONS, (short) 1).configs(Map.of("retention.ms", "-1")))).all().get();
    return "";
  }

  static String padded(long number, int digits) {
    String text = Long.toString(number);
    return "0".repeat(digits - text.length()) + text;
  }

  /** Records of about 100 bytes, ten a millisecond of event time. What must come of them follows from the digests. */
  static String load(String topic, long records, int keys, long from) throws Exception {
    long start = 1_760_000_000_000L, ofKeys = 0, ofPairs = 0, ofOthers = 0;
    Random random = new Random(7 + from);
    Map<String, Object> config = new HashMap<>(client);
    config.putAll(Map.of("linger.ms", 20, "batch.size", 200_000));
    try (var producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
      for (long i = from; i < from + records; i++) {
        int number = random.nextInt(keys);
        String key = "k" + padded(number, 7);
        String value = "order-" + padded(i % 9_999_999, 7) + "-" + padded(number % 999_999, 6) + "-the quick brown fox jumps over the lazy dog 0123456789 abcdef";
        ofKeys += hash(1, key.getBytes());
        ofPairs += hash(hash(1, key.getBytes()), value.getBytes());
        ofOthers += hash(1, (value.substring(6, 9) + key).getBytes());
        producer.send(new ProducerRecord<>(topic, null, start + i / 10, key, value));
      }
    }
    return "records=%d keys=%d pairs=%d others=%d".formatted(records, ofKeys, ofPairs, ofOthers);
  }

  static String drop(String prefix) throws Exception {
    for (var output : List.copyOf(outputs.keySet())) if (output.startsWith(prefix)) outputs.remove(output).consumer.close();
    admin.deleteTopics(admin.listTopics().names().get().stream().filter(name -> name.startsWith(prefix)).toList()).all().get();
    return "";
  }

  static long hash(long seed, byte[] bytes) {
    long h = seed;
    for (byte b : bytes) h = h * 0x100000001b3L + b;
    h = (h ^ (h >>> 33)) * 0xff51afd7ed558ccdL;
    return h ^ (h >>> 29);
  }

  /** An output topic, read once under read_committed, as far as it goes. */
  static class Output {
    final List<TopicPartition> partitions = new ArrayList<>();
    final KafkaConsumer<byte[], byte[]> consumer;
    final Map<Long, Long> counts = new HashMap<>();
    long total, digest;

    Output(String topic) {
      for (int i = 0; i < PARTITIONS; i++) partitions.add(new TopicPartition(topic, i));
      Map<String, Object> config = new HashMap<>(client);
      config.putAll(Map.of("isolation.level", "read_committed", "enable.auto.commit", false, "auto.offset.reset", "earliest",
          "max.poll.records", 20_000, "max.partition.fetch.bytes", 8 << 20));
      consumer = new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
      consumer.assign(partitions);
    }

    /** Where committed data ends, a partition. It moves by commits alone, and when an aborted transaction ends. */
    List<Long> ends() throws Exception {
      Map<TopicPartition, OffsetSpec> latest = new HashMap<>();
      for (var partition : partitions) latest.put(partition, OffsetSpec.latest());
      var found = admin.listOffsets(latest, new ListOffsetsOptions(IsolationLevel.READ_COMMITTED)).all().get();
      return partitions.stream().map(partition -> found.get(partition).offset()).toList();
    }

    /** Reads on until the ends that were seen. */
    void read(List<Long> ends, boolean asCounts) {
      for (int i = 0; i < PARTITIONS; )
        if (consumer.position(partitions.get(i)) >= ends.get(i)) i++;
        else for (var record : consumer.poll(Duration.ofMillis(200))) take(record, asCounts);
    }

    void take(ConsumerRecord<byte[], byte[]> record, boolean asCounts) {
      long key = hash(1, record.key());
      if (!asCounts) {
        total++;
        digest += hash(key, record.value());
        return;
      }
      long count = java.nio.ByteBuffer.wrap(record.value()).getLong();
      Long before = counts.put(key, count);
      long more = count - (before == null ? 0 : before);
      total += more;
      digest += key * more;
    }

    /** Waits until the output is whole, or nothing more comes. Says when it last moved. */
    String watch(boolean asCounts, long whole) throws Exception {
      List<Long> ends = ends();
      long moved = System.currentTimeMillis();
      boolean read = false;
      for (;;) {
        Thread.sleep(POLL_MS);
        List<Long> now = ends();
        long at = System.currentTimeMillis();
        if (!now.equals(ends)) {
          moved = at;
          ends = now;
          read = false;
        } else if (!read && at - moved >= QUIET_MS) {
          read(ends, asCounts);
          read = true;
          if (total >= whole) break;
        } else if (at - moved > PATIENCE_MS) break;
      }
      return "endMs=" + moved;
    }

    /** Reads on to the end that there is now. */
    String total(boolean asCounts) throws Exception {
      read(ends(), asCounts);
      return "total=%d digest=%d".formatted(total, digest);
    }

    KafkaConsumer<byte[], byte[]> tail;

    /** Remembers where committed data ends now, for the next {@code first}. */
    String mark() {
      Map<String, Object> config = new HashMap<>(client);
      config.putAll(Map.of("isolation.level", "read_committed", "enable.auto.commit", false));
      tail = new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
      tail.assign(partitions);
      tail.seekToEnd(partitions);
      for (var partition : partitions) tail.position(partition);
      return "";
    }

    /** Waits for the first committed record behind the mark. */
    String first() {
      long until = System.currentTimeMillis() + PATIENCE_MS;
      try (var own = tail) {
        while (own.poll(Duration.ofMillis(100)).isEmpty())
          if (System.currentTimeMillis() > until) throw new IllegalStateException("no record came in " + PATIENCE_MS + " ms");
        return "firstMs=%d".formatted(System.currentTimeMillis());
      }
    }
  }
}
