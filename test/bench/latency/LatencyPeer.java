import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;

/** Kafka Streams as the latency of a pass-through is judged beside. Arguments: brokers, in, out. Prints READY; ends with its input. */
public class LatencyPeer {
  public static void main(String[] args) throws Exception {
    StreamsBuilder builder = new StreamsBuilder();
    builder.<String, String>stream(args[1]).mapValues(value -> value.toUpperCase()).to(args[2]);
    Properties config = new Properties();
    config.putAll(Map.of("application.id", args[2], "bootstrap.servers", args[0], "commit.interval.ms", 100,
        "processing.guarantee", "exactly_once_v2", "auto.offset.reset", "earliest", "replication.factor", 1,
        "default.key.serde", Serdes.StringSerde.class, "default.value.serde", Serdes.StringSerde.class));
    config.put("state.dir", System.getProperty("java.io.tmpdir") + "/" + args[2]);
    KafkaStreams streams = new KafkaStreams(builder.build(), config);
    streams.setStateListener((state, before) -> {
      if (state == KafkaStreams.State.RUNNING) System.out.println("READY");
    });
    streams.start();
    while (System.in.read() >= 0) {}
    System.exit(0);
  }
}
