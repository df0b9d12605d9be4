import i18next from "i18next";

await i18next.init({
  lng: "en",
  resources: { en: { translation: { item: "one item", item_plural: "{{count}} items" } } },
});
console.log(i18next.t("item", { count: 2 }));
