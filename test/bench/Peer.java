import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Produced;

/** Kafka Streams on the work of the benchmark. Arguments: brokers, load | pass | count, records. Prints RESULT records-a-second. */
public class Peer {
  static final String INPUT = "bench-in";

  public static void main(String[] args) throws Exception {
    String brokers = args[0];
    long records = Long.parseLong(args[2]);
    System.out.println("RESULT " + (args[1].equals("load") ? load(brokers, records) : measure(brokers, args[1], records)));
    System.exit(0);
  }

  static void create(String brokers, String topic) throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", brokers))) {
      admin.createTopics(List.of(new NewTopic(topic, 4, (short) 1).configs(Map.of("retention.ms", "-1")))).all().get();
    }
  }

  static long load(String brokers, long records) throws Exception {
    create(brokers, INPUT);
    long start = System.currentTimeMillis();
    Map<String, Object> config = Map.of("bootstrap.servers", brokers, "linger.ms", 20, "batch.size", 200_000);
    try (var producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
      for (long i = 0; i < records; i++) {
        String key = "k%07d".formatted((i * 7919) % 10_000);
        String value = "order-%07d-000000-the quick brown fox jumps over the lazy dog 0123456789 abcdef".formatted(i);
        producer.send(new ProducerRecord<>(INPUT, null, start + i / 10, key, value));
      }
    }
    return records;
  }

  static long measure(String brokers, String mode, long records) throws Exception {
    String app = "peer-" + mode + "-" + System.nanoTime();
    create(brokers, app + "-out");
    AtomicLong first = new AtomicLong();
    StreamsBuilder builder = new StreamsBuilder();
    var stream = builder.<String, String>stream(INPUT).peek((key, value) -> first.compareAndSet(0, System.nanoTime()));
    if (mode.equals("pass")) stream.to(app + "-out");
    else stream.groupByKey().count().toStream().to(app + "-out", Produced.with(Serdes.String(), Serdes.Long()));
    Properties config = new Properties();
    config.putAll(Map.of("application.id", app, "bootstrap.servers", brokers, "num.stream.threads", 2, "commit.interval.ms", 100,
        "processing.guarantee", "exactly_once_v2", "auto.offset.reset", "earliest", "replication.factor", 1,
        "default.key.serde", Serdes.StringSerde.class, "default.value.serde", Serdes.StringSerde.class));
    config.put("state.dir", System.getProperty("java.io.tmpdir") + "/" + app);
    try (KafkaStreams streams = new KafkaStreams(builder.build(), config); Admin admin = Admin.create(Map.of("bootstrap.servers", brokers))) {
      streams.start();
      for (long committed = 0; committed < records; Thread.sleep(20)) {
        committed = 0;
        for (var entry : admin.listConsumerGroupOffsets(app).partitionsToOffsetAndMetadata().get().entrySet())
          if (entry.getKey().topic().equals(INPUT)) committed += entry.getValue().offset();
      }
      long rate = (long) (records / ((System.nanoTime() - first.get()) / 1e9));
      streams.close(Duration.ofSeconds(5));
      return rate;
    }
  }
}
