// What Sphinx's search says. Sphinx's own Turkish file leaves some of it out, and its rule for the plural gives true or
// false where the place in a list is asked for, so that every search ends in an error.
Documentation.addTranslations({
  locale: "tr",
  messages: {
    "Hide Search Matches": "Arama vurgularını gizle",
    "Preparing search...": "Arama hazırlanıyor …",
    "Search": "Ara",
    "Search Results": "Arama sonuçları",
    "Searching": "Aranıyor",
    "Search finished, found one page matching the search query.": [
      "Aramaya uyan bir sayfa bulundu.",
      "Aramaya uyan ${resultCount} sayfa bulundu."
    ],
    "Your search did not match any documents. Please make sure that all words are spelled correctly and that you've selected enough categories.":
      "Aramaya uyan sayfa yok. Sözcüklerin doğru yazıldığından emin olun."
  },
  plural_expr: "Number(n > 1)"
});
