import EventEmitter from "eventemitter3";

type Events = { price: (symbol: string, value: number) => void; closed: () => void };

export class Feed extends EventEmitter<Events> {
  push(symbol: string, value: number): void {
    this.emit("price", symbol, value);
  }

  close(): void {
    this.emit("closed");
    this.removeAllListeners();
  }
}
