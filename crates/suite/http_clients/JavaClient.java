import java.io.ByteArrayInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Arrays;

/** POSTs to the first argument and prints the status. See http_clients.sh for the others. */
public class JavaClient {
    public static void main(String[] args) throws Exception {
        byte[] body = new byte[Integer.parseInt(args[3])];
        Arrays.fill(body, (byte) ' ');
        var publisher = args[4].equals("chunked")
                ? BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(body))
                : BodyPublishers.ofByteArray(body);
        var request = HttpRequest.newBuilder(URI.create(args[0]))
                .timeout(Duration.ofSeconds(30))
                .header("Content-Type", args[1])
                .POST(publisher);
        if (!args[2].isEmpty()) {
            request.header("Content-Encoding", args[2]);
        }
        var answer = HttpClient.newHttpClient()
                .send(request.build(), HttpResponse.BodyHandlers.ofString());
        System.out.println(answer.statusCode() + (answer.body().isEmpty() ? " without a body" : ""));
    }
}
