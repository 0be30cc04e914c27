//! The words that give automata away. Matching ignores case; where a word must end or begin keeps false friends out.

use tollgate_domain::BotClass::{self, Crawler, Emulator, Headless, Library};

/// Where a word may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edge {
    /// Anywhere.
    Any,
    /// No letter follows.
    End,
    /// No letter or digit before and after.
    Word,
    /// At the beginning of the user agent.
    Head,
}
use Edge::{Any, End, Head, Word};

/// Classes in the order in which they win, words by class and edge.
#[rustfmt::skip]
pub(super) const WORDS: &[(BotClass, Edge, &[&str])] = &[
    (Headless, Any, &[
        "headlesschrome", "headless", "phantomjs", "slimerjs", "puppeteer", "playwright", "selenium", "webdriver", "casperjs", "htmlunit", "jsdom", "zombie.js", "testcafe",
        "cypress/", "prerender", "rendertron", "chrome-lighthouse", "trifleJS", "splash version", "nightmarejs", "browserless", "chrome/w.x.y.z",
    ]),
    (Crawler, End, &["bot", "bots", "rss"]),
    (Crawler, Any, &[
        // What they do.
        "crawl", "spider", "spyder", "slurp", "scraper", "scraping", "scrapy", "fetcher", "fetch/", "webfetch", "http_get", "check_http", "indexer", "archiver", "archive.org", "validator", "linkcheck",
        "link check", "checklink", "sitecheck", "site-check", "checker", "monitoring", "monitor/", "uptime", "pingdom", "preview", "feedburner", "feedly", "feedbin", "feedfetcher", "feed fetch",
        "feedreader", "feed reader", "feed-", "feedspot", "aggregator", "newsblur", "inoreader", "theoldreader", "bazqux", "netvibes", "liferea", "blogtrottr", "subscribers",
        "scanner", "sitemap", "site audit", "siteaudit", "webanalyzer", "analyzer", "seokicks", "extractor", "downloader", "webcopier", "httrack", "offline explorer", "teleport pro",
        "webzip", "sitesucker", "unfurl", "linkexpander", "urlresolver", "favicon", "screenshot", "thumbnail", "imageproxy", "imgproxy", "proxy/", "opengraph", "iframely", "embedly", "web preview", "yahoo link", 
        "synthetic", "healthcheck", "health check", "health-check", "statuscake", "site24x7", "newrelic", "datadog", "catchpoint", "gtmetrix", "pagespeed", "speedcurve", "ptst/", "zabbix", 
        // Who they are.
        "facebookexternalhit", "facebookcatalog", "meta-external", "facebot", "whatsapp/", "skypeuripreview", "google-", "googleother", "mediapartners", "feedfetcher-google", "appengine-google", "apis-google", "google favicon",
        "googleimageproxy", "googledocs", "google web preview", "google-read-aloud", "google page speed", "bingpreview", "yahoo! slurp", "yandex.com/bots", "yandexmetrika", "yandeximages", "baiduspider", "baidu-yunguance", "sogou web", "yisou", "ezooms",
        "mail.ru_", "ia_archiver", "wayback", "heritrix", "nutch", "larbin", "grub.org", "teoma", "gigablast", "findlink", "ahrefs", "semrush", "majestic", "dataprovider", "netcraft", "censys", "zgrab", "masscan", "nmap", "nikto", "sqlmap",
        "internetmeasurement", "netsystemsresearch", "qualys", "nessus", "openvas", "acunetix", "wpscan", "virustotal", "detectify", "security scan", "chatgpt", "gptbot", "oai-search", "anthropic", "claude-", "perplexity", "cohere-ai",
        "bytespider", "duckassist", "mistralai", "firecrawl", "crawl4ai", "ai2bot", "diffbot", "siteimprove", "screaming frog", "sitebulb", "deepcrawl", "oncrawl", "botify", "turnitin", "panscient", "proximic", "grapeshot", "admantx", "peer39",
        "integralads", "doubleverify", "adsbot", "adbeat", "adstxt", "ads.txt", "flipboardproxy", "flipboardrss", "instapaper/", "pocketparser", "hatena", "postrank", "embed.ly", "slack-imgproxy", "mastodon/", "friendica", "pleroma",
        "misskey/", "lemmy/", "wordpress/", "wordpress.com", "drupal", "joomla", "tiny tiny rss", "miniflux", "freshrss", "nextcloud", "w3c_", "w3c-", "w3clinemode", "xenu link", "outbrain", "taboola", "vkshare",
        "apple-pubsub", "microsoft-webdav", "microsoft office protocol", "ms web services", "bitlybot", "longurl", "coccoc/", "genieo", "ltx71", "megaindex", "sistrix", "searchmetrics", "seobility", "spinn3r", "distilator",
        "livejournal.com", "voilabot", "wotbox", "ips-agent", "daumoa", "daum/", "naver.me", "zoominfo", "cloudflare-", "amazon cloudfront", "vercel", "github-", "bitbucket-", "zapier", "ifttt", "stripe/", "hubspot", 
        "lighthouse", "monitis", "panopta", "alertsite", "rigor)", "hosttracker", "jetmon", "domain re-animator", "domaintools", "whatweb", "wappalyzer", "builtwith", "brandwatch", "brandverity", "meltwater", "moreover", "newsnow",
        "hardenize", "thousandeyes", "silktide", "foregenix", "criticalcss", "sitemonitor", "ghost inspector", "linktiger", "contentscan", "playstore-google", "printfriendly", "securityheaders", "watchtowr", "httpagent", 
        "wkhtmlto", "webkit2png", "webscreenie", "webthumb", "websnapr", "web-capture", "imgsizer", "neustar wpm", "ptst ", "yottaamonitor", "debugbear", "nodemeter", "iplabel", "kimonolabs", "rivaliq",
        "yandex.translate", "google search console", "google keyword", "duplexweb-google", "binglocalsearch", "stumbleupon", "criteo", "wprecon", "backlink", "linkexaminer", "urltester", "observatory/", "dts agent", "wac-ofu",
        "macoutlook", "outlook-", "podcast", "rssowl", "reeder/", "airmail", "networkingextension/", "network diagnostics",
        "dareboost", "datanyze", "appinsights", "sindup", "sqwatcher", "collapsify", "marketgoo", "manus-user", "googleagent", "/scanning", "-optimizer", "feeder.co",
    ]),
    (Crawler, Word, &["rss", "feeds", "camo", "shodan", "expanse", "xovi", "ryte", "cludo", "yeti", "harvest", "nagios", "icinga", "prtg", "scope3", "hotjar", "salesforce.com", "cookiehubscan", "cookiehubverify", "geedoshopproductfinder", "bw", "seo", "scan", "fetch", "monitor", "robot", "agentic"]),
    (Library, Any, &[
        "python-", "python/", "aiohttp", "python urllib", "pycurl", "urllib", "go-http-client", "go http", "http.rb", "libwww", "lwp::", "lwp-", "axios/", "node-fetch", "node.js", "undici", "guzzle", "restsharp", "unirest", "postman",
        "insomnia/", "httpie", "mechanize", "reqwest", "libcurl", "curl/", "wget", "apache-httpclient", "commons-httpclient", "httpclient", "http client", "http-client", "httpurlconnection", "jakarta", "http_request", "winhttp", "faraday", "typhoeus", "powershell", "wininet", "urlgrabber",
        "snoopy", "zend_http", "zend\\http", "ktor-client", "cpp-httplib", "lua-resty", "aria2", "php-curl", "pecl::http", "symfony", "anyevent", "gohttp", "fasthttp", "resty/", "superagent", "needle/", "asynchttp", "ahc/", "okhttp client",
        "feedparser", "simplepie", "magpierss", "chef client", "indy library", "jersey/", "spring-", "vert.x", "jetty/", "libfetch", "libsoup/", "dispatch/", "rest-client", "cfnetwork-bare", "gradle/", "emacs/",
    ]),
    (Library, Word, &["perl", "ruby", "soap", "wsdl", "puppet", "ansible", "terraform", "netty", "feign"]),
    (Library, Head, &["pip/", "okhttp", "java/", "java1.", "dart/", "php", "curl", "hyper/", "ureq", "got ", "got/", "deno/", "bun/", "node", "httpx", "http", "go ", "rust", "erlang", "elixir", "r (", "lua", "tcl", "nim ", "w3m", "java "]),
    (Emulator, Any, &[
        "sdk_gphone", "sdk_gtablet", "android sdk built for", "aosp on ia emulator", "google_sdk", "sdk_phone", "emulator", "genymotion", "bluestacks", "noxplayer", "ldplayer", "memu ", "memuplay", "vbox86", "generic_x86", "generic x86", "goldfish", "ranchu", "android-x86",
        "droid4x", "windroy", "koplayer", "tiantian", "simulator", "android x86", "mumuplayer", "gameloop", "nox build",
    ]),
];

/// Names of devices and apps that end like an automaton's, in lower case.
pub(super) const FALSE_FRIENDS: &[&str] = &["cubot"];
