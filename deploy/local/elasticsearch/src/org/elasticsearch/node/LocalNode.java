package org.elasticsearch.node;

import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.plugins.ClasspathPluginsService;
import org.elasticsearch.plugins.PluginsLoader;
import org.elasticsearch.plugins.PluginsService;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;

/** Usage: LocalNode HOME PORT [plugin.Class ...] [-Ekey=value ...] */
public final class LocalNode extends Node {
    private LocalNode(Environment env, List<String> plugins) {
        super(NodeConstruction.prepareConstruction(env, PluginsLoader.createPluginsLoader(Set.of(), Set.of(), Map.of(), false), new NodeServiceProvider() {
            @Override
            PluginsService newPluginService(Environment e, PluginsLoader unused) {
                return new ClasspathPluginsService(e.settings(), e, plugins);
            }
        }, true));
    }

    public static void main(String[] args) throws Exception {
        Path home = Path.of(args[0]).toAbsolutePath();
        Files.createDirectories(home.resolve("config"));
        Settings.Builder s = Settings.builder()
            .put("path.home", home)
            .put("cluster.name", "tocsin-local")
            .put("node.name", "local")
            .put("discovery.type", "single-node")
            .put("network.host", "127.0.0.1")
            .put("http.port", args[1])
            .put("transport.port", "0")
            .put("http.type", "netty4")
            .put("transport.type", "netty4")
            .put("node.processors", Math.min(2, Runtime.getRuntime().availableProcessors()))
            .put("action.destructive_requires_name", false)
            .put("cluster.routing.allocation.disk.threshold_enabled", false);
        List<String> plugins = new ArrayList<>(List.of("org.elasticsearch.transport.netty4.Netty4Plugin"));
        for (int i = 2; i < args.length; i++) {
            if (args[i].startsWith("-E")) {
                String[] kv = args[i].substring(2).split("=", 2);
                s.put(kv[0], kv[1]);
            } else {
                plugins.add(args[i]);
            }
        }
        LogConfigurator.configureESLogging();
        LogConfigurator.configureWithoutConfig(s.build());
        Environment env = InternalSettingsPreparer.prepareEnvironment(s.build(), Map.of(), home.resolve("config"), () -> "local");
        LogConfigurator.setNodeName("local");
        LocalNode node = new LocalNode(env, plugins);
        node.start();
        CountDownLatch stop = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                node.prepareForClose();
                node.close();
            } catch (Exception e) {
                e.printStackTrace();
            } finally {
                stop.countDown();
            }
        }));
        stop.await();
    }
}
