import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Judges latency: from the call of a producer's send to the poll of a consumer under read_committed that brings the record.
 * Arguments: brokers, then `create` topics..., or `judge` in out records-a-second warm-up-seconds seconds.
 * Prints RESULT p50 p99 received sent, in milliseconds and records; those of the warm-up count as none.
 */
public class LatencyJudge {
  static final int PARTITIONS = 4;
  static final String PADDING = "the quick brown fox jumps over the lazy dog 0123456789 abcdef 012345";

  public static void main(String[] args) throws Exception {
    if (args[1].equals("create")) create(args[0], List.of(args).subList(2, args.length));
    else judge(args[0], args[2], args[3], Integer.parseInt(args[4]), Integer.parseInt(args[5]), Integer.parseInt(args[6]));
    System.exit(0);
  }

  static void create(String brokers, List<String> topics) throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", brokers))) {
      admin.createTopics(topics.stream().map(topic -> new NewTopic(topic, PARTITIONS, (short) 1)).toList()).all().get();
    }
  }

  static void judge(String brokers, String in, String out, int rate, int warmUpSeconds, int seconds) throws Exception {
    long began = System.nanoTime();
    long counted = began + warmUpSeconds * 1_000_000_000L;
    int total = rate * (warmUpSeconds + seconds);
    Thread producing = new Thread(() -> produce(brokers, in, rate, total, began));
    producing.start();
    long[] micros = new long[total];
    int received = 0;
    int kept = 0;
    try (var consumer = new KafkaConsumer<>(
        Map.<String, Object>of("bootstrap.servers", brokers, "isolation.level", "read_committed", "auto.offset.reset", "earliest"),
        new StringDeserializer(), new StringDeserializer())) {
      List<TopicPartition> partitions = new ArrayList<>();
      for (int partition = 0; partition < PARTITIONS; partition++) partitions.add(new TopicPartition(out, partition));
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      long giveUp = counted + (seconds + 30) * 1_000_000_000L;
      while (received < total && System.nanoTime() < giveUp) {
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) {
          received++;
          long sent = began + Long.parseLong(record.value().substring(0, 12));
          if (sent >= counted) micros[kept++] = (System.nanoTime() - sent) / 1000;
        }
      }
    }
    producing.join();
    long[] sorted = Arrays.copyOf(micros, kept);
    Arrays.sort(sorted);
    if (kept == 0) throw new IllegalStateException("nothing came out");
    System.out.printf("RESULT %.1f %.1f %d %d%n", sorted[kept / 2] / 1000.0, sorted[(int) (kept * 0.99)] / 1000.0, received, total);
  }

  /** In steps of a millisecond; each record says when it was handed over, in nanoseconds since the start. */
  static void produce(String brokers, String in, int rate, int total, long began) {
    Map<String, Object> config = Map.of("bootstrap.servers", brokers, "linger.ms", 0);
    try (var producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
      for (int sent = 0; sent < total; ) {
        long due = Math.min(total, (System.nanoTime() - began) * rate / 1_000_000_000L);
        for (; sent < due; sent++) {
          String value = "%012d".formatted(System.nanoTime() - began) + PADDING;
          producer.send(new ProducerRecord<>(in, "k%07d".formatted(sent % 10_000), value));
        }
        Thread.sleep(1);
      }
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
  }
}
