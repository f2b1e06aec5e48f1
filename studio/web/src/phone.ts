import "@fontsource-variable/source-serif-4/opsz.css";
import "@fontsource-variable/source-serif-4/opsz-italic.css";
import "./style.css";
import "./phone.css";
import { PhoneApp } from "./input/phone_app";

const app = new PhoneApp(document.getElementById("phone")!, new URL(location.href));
app.start();
/** For tests and for people who report a fault: `tuttiDiagnostics()` in the browser's console. */
Object.assign(window, { tuttiDiagnostics: () => app.diagnostics() });
