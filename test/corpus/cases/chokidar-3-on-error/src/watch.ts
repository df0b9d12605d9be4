import { watch } from "chokidar";

watch("src")
  .on("change", (file) => console.log(file))
  .on("error", (error) => console.error(error));
