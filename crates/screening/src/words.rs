//! What referrers of bad repute look like: short lists of our own, by category. They catch the plain cases; operators add
//! what they see.
//!
//! A word stands by itself between characters that are neither letters nor digits; with a `*` at an end it may go on
//! there, so that names of hosts that are written as one are found.

/// A category and its words, with spaces between them.
pub(crate) type Category = (&'static str, &'static str);

/// Every category, in the order of the parameter's options.
pub(crate) const CATEGORIES: [Category; 6] = [
    (
        "fraud",
        "10khits* addmefast* alphabot* autosurf* botnet* buy-clicks buyclicks* buytraffic* buy-traffic \
        carding* clickbot* clickfarm* click-farm cvvshop* easyhits4u* ebesucher* feelingsurf* fullz* \
        hitleap* hitsafe* hungryforhits* ip-rotator jingling* linkcollider* moreclicks* otohits* \
        paid-to-click paidtoclick* ptcshare* rankboostup* rotate4all* sparktraffic* surfbar* traffic-bot \
        traffic-exchange trafficape* trafficbot* trafficexchange* trafficmonsoon* traffup* viewbot* vagex* \
        websyndic*",
    ),
    (
        "drugs",
        "*pharmacy-online* adderall* buy-cialis* buy-viagra* cannabis* cialis cocaine* darknetmarket* \
        ecstasy-pills fentanyl* heroin hydrocodone* ketamine* kratom* levitra* lsd marijuana* mdma \
        mephedrone* methamphetamine* modafinil* no-prescription onlinepharmacy* oxycodone* oxycontin* \
        phentermine* psilocybin* researchchemicals* steroids* tramadol* viagra* vicodin* weedshop* xanax*",
    ),
    (
        "p2p_streaming",
        "*123movies* *torrent* 1337x* 9xmovies* bflix* cuevana* demonoid* extratorrent* eztv* filmywap* \
        filmyzilla* fmovies* gomovies* gowatchseries* isohunt* kickass* kinox* kissanime* kisscartoon* \
        limetorrents* lookmovie* megaupload* movie4k* movierulz* nyaa popcorntime* primewire* putlocker* \
        rarbg* rojadirecta* sockshare* soap2day* solarmovie* streamcloud* tamilrockers* thepiratebay* \
        piratebay* watchseries* yesmovies* yify* yts zooqle*",
    ),
    (
        "hate_speech",
        "8kun* dailystormer* ethnostate* gaschamber* heilhitler* holohoax* kkk kukluxklan* racewar* \
        siegheil* stormfront* vdare* vnnforum* whitearyan* whitegenocide* whitenationalis* whitepower* \
        white-power whitesupremac* zundelsite*",
    ),
    (
        "adult",
        "*porn* *xvideo* adultfriendfinder* bangbros* beeg bongacams* brazzers* camgirl* cam4 chaturbate* \
        cumshot* dildo* eporner* erotic* erotik* escortgirl* fapdu* fetish* hardcoresex* hentai* \
        hookupsite* livejasmin* milf* myfreecams* nude nudes onlyfans* playboy* rule34* sex sexcam* \
        sexchat* sexshop* sexvideo* spankbang* stripchat* tnaflix* tube8* xhamster* xnxx* xxx* youjizz*",
    ),
    (
        "spam",
        "*buttons-for-website* *buttons-for-your-website* *free-share-buttons* *free-social-buttons* \
        *free-traffic* *get-free-traffic* *simple-share-buttons* 100dollars-seo* 4webmasters* \
        best-seo-offer* best-seo-solution* best-seo-software* blackhatworth* buy-cheap-online* cenoval* \
        cheap-seo darodar* econom.co event-tracking* floating-share-buttons* googlsucks* hulfingtonpost* \
        humanorightswatch* ilovevitaly* iskalko* kambasoft* make-money-online makemoneyonline* o-o-6-o-o* \
        o-o-8-o-o* priceg ranksonic* savetubevideo* semalt* seo-platform* seoanalyses* sexyali* smailik* \
        social-buttons* success-seo* theguardlan* trafficmonetize* trafficmonetizer* \
        videos-for-your-business* webmonetizer* website-analyzer*",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded_and_unique() {
        for (category, words) in CATEGORIES {
            let words: Vec<_> = words.split_ascii_whitespace().collect();
            for word in &words {
                let bare = word.trim_matches('*');
                assert!(
                    bare.len() > 2 && bare == bare.to_ascii_lowercase() && bare.is_ascii(),
                    "{category}: {word}"
                );
                assert!(!bare.contains('*'), "{category}: {word}");
                assert_eq!(words.iter().filter(|other| *other == word).count(), 1, "{category}: {word}");
            }
        }
    }
}
