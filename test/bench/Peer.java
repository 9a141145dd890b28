import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Produced;

/**
 * Kafka Streams on the work of the benchmark. Argument: brokers. Takes a command a line: "start WORK INPUT OUTPUT APP FOLDER" or
 * "stop"; answers RESULT name=value ... or ERROR text. own-side.ts is the same for Millrace.
 */
public class Peer {
  static volatile long firstMs;
  static KafkaStreams streams;

  public static void main(String[] args) throws Exception {
    var commands = new BufferedReader(new InputStreamReader(System.in));
    for (String line; (line = commands.readLine()) != null; ) {
      String[] words = line.split(" ");
      try {
        System.out.println("RESULT " + (words[0].equals("start") ? start(args[0], words) : stop()));
      } catch (Exception error) {
        System.out.println("ERROR " + String.valueOf(error).replace('\n', ' '));
      }
    }
    System.exit(0);
  }

  static String start(String brokers, String[] words) {
    String work = words[1], output = words[3];
    firstMs = 0;
    var builder = new StreamsBuilder();
    var lines = builder.<String, String>stream(words[2]).peek((key, value) -> {
      if (firstMs == 0) firstMs = System.currentTimeMillis();
    });
    var counts = Produced.with(Serdes.String(), Serdes.Long());
    switch (work) {
      case "pass" -> lines.mapValues(value -> value).to(output);
      case "count" -> lines.groupByKey().count().toStream().to(output, counts);
      case "rekey" -> lines.selectKey((key, value) -> value.substring(6, 9) + key).groupByKey().count().toStream().to(output, counts);
      default -> throw new IllegalArgumentException("work " + work);
    }
    // A static member, as Millrace is one: else a start after a kill would wait for the session of the dead member to end.
    var config = new Properties();
    config.putAll(Map.of("application.id", words[4], "bootstrap.servers", brokers, "num.stream.threads", 2, "commit.interval.ms", 100,
        "processing.guarantee", "exactly_once_v2", "auto.offset.reset", "earliest", "replication.factor", 1, "group.instance.id", "peer",
        "default.key.serde", Serdes.StringSerde.class, "default.value.serde", Serdes.StringSerde.class));
    config.put("state.dir", words[5]);
    long startMs = System.currentTimeMillis();
    streams = new KafkaStreams(builder.build(), config);
    streams.start();
    return "startMs=" + startMs;
  }

  static String stop() {
    String state = streams.state().toString();
    streams.close(Duration.ofSeconds(30));
    return "firstMs=" + firstMs + " state=" + state;
  }
}
