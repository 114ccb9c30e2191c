import pg from 'pg'; import { randomUUID } from 'node:crypto'; import {fork} from 'node:child_process'
import { openQueues, startWorkers, migrateQueueSchema } from '../dist-queue/src/jobs/queue.js'
const url='postgres://postgres@127.0.0.1:54991/postgres'
const settings=process.env.REDIS?{databaseUrl:url,redisUrl:process.env.REDIS}:{databaseUrl:url}
const N=10
const res=await Promise.all(Array.from({length:N},async(_,i)=>{
 await new Promise(r=>setTimeout(r,i*137))
 const queue={name:'k-'+randomUUID(),concurrency:4,attempts:3,backoffMs:200}
 const cl=await openQueues(settings,[queue]);await cl.enqueue(queue,[{storeId:'s',jobId:randomUUID()}])
 const child=fork('dist-queue/test/jobs/queue.test.js',{stdio:'ignore',env:{...process.env,HOLD:JSON.stringify({settings,queue})}})
 await new Promise(r=>child.on('message',m=>m==='holding'&&r()))
 let got;const p=new Promise(r=>got=r)
 const w=await startWorkers(settings,[queue],{[queue.name]:async()=>got(performance.now())},()=>{})
 await new Promise(r=>setTimeout(r,500+Math.random()*4000))
 const t=performance.now();child.kill('SIGKILL');const ms=await p-t
 await w.stop(100);await cl.close();return ms
}))
res.sort((a,b)=>a-b);console.log('recovery s',res.map(x=>(x/1000).toFixed(1)).join(' '),'mean',(res.reduce((a,b)=>a+b)/N/1000).toFixed(1))
