/** Something that is there until it is disposed of. (VS Code's `Disposable` is a class; ours are not all made of it.) */
export interface Lifetime {
  dispose(): unknown;
}
