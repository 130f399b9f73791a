import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import { apply } from "./lib/prefs";
import { connection, queueForFirst } from "./live/page";
import { Boundary } from "./ui/boundary";
import { announce } from "./shell/notify";
import { keepTitle } from "./shell/title";
import "./styles.css";

apply();
keepTitle();
connection.onNews = announce;
queueForFirst();
connection.start();

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <Boundary>
        <App />
      </Boundary>
    </StrictMode>,
  );
}
